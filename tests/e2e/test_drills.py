"""What may have to be lived through, rehearsed in short: `scripts/drill drain`, `redrive` and so on."""

from rollcall_dev.drill.operating import drain, rebuild, redrive
from rollcall_dev.drill.resume.rehearsal import Plan, rehearse
from rollcall_dev.drill.sending import outage, slow


async def test_batch_runs_handle_each_update_once() -> None:
    report = await drain.rehearse(updates=3000)
    assert report.broken == []
    assert float(report.figures["alerts"]) > 0


async def test_letters_that_are_sent_back_by_who_is_killed_have_one_effect() -> None:
    report = await redrive.rehearse(letters=120)
    assert report.broken == []
    assert report.figures["sent_back"] == 126


async def test_everything_is_derived_anew_under_load_and_readers_see_no_gap() -> None:
    report = await rebuild.rehearse(events=50_000, students=1000)
    assert report.broken == []
    assert float(report.figures["same"]) > 1000


async def test_viewers_miss_nothing_and_see_nothing_twice_while_replicas_are_killed() -> None:
    report = await rehearse(Plan(seed=11, kills=4, viewers=10))
    assert report.broken == []
    assert float(report.figures["connections_least"]) > 1
    assert float(report.figures["seen"]) > 1000


async def test_alerts_arrive_once_and_in_order_after_their_receiver_was_away() -> None:
    report = await outage.rehearse(outage.Plan(seconds=4.0, rate=40.0, students=200))
    assert report.broken == []
    assert float(report.figures["tries_while_away"]) > 0
    assert float(report.figures["alerts"]) > 200


async def test_a_record_that_takes_long_costs_no_membership_and_holds_up_its_own_key_alone() -> None:
    report = await slow.rehearse(slow.Plan(minutes=0.15))
    assert report.broken == []
    assert float(report.figures["handled_meanwhile"]) > 200
