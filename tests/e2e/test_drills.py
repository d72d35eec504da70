"""What operators do, rehearsed in short: `scripts/drill drain`, `redrive` and `rebuild`."""

from rollcall_dev.drill.operating import drain, rebuild, redrive


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
