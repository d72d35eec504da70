"""`scripts/drill failover`: a broker is lost under load, and nothing that was accepted is."""

from rollcall_dev.drill.failover.rehearsal import rehearse

SEED = 1


async def test_without_a_broker_all_goes_on_and_each_accepted_update_has_one_effect() -> None:
    report = await rehearse(SEED, seconds=3)
    assert report.broken == []
    figures = report.figures
    assert [figures[kind] for kind in ("lost", "doubled", "inverted", "wrong", "rejected", "restarts")] == [0] * 6
    assert float(figures["accepted"]) > 1000
    assert figures["accepted"] == figures["effects"]
    assert float(figures["livez_answers"]) > 0
    assert "leads the metadata" in str(figures["roles"])
