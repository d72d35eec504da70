import pytest

from rollcall_dev.chaos.faults import FAULTS, Plan
from rollcall_dev.chaos.ingest import run

SHORT = Plan(seconds=0.5, deadline=1.0, freeze=3.0, cuts=40, renewed=3000)


@pytest.mark.parametrize("fault", FAULTS)
async def test_keeps_what_the_api_promises_under(fault: str) -> None:
    result = await run(fault, SHORT)
    assert result.broken == []
    assert result.counts["accepted"] > 1000
