"""The ledger: what was sent, what became of it, and what had to, under faults; and that it finds out who is wrong."""

import pytest

from rollcall_dev.chaos.record.mutations import MUTATIONS, try_out
from rollcall_dev.chaos.record.plan import SHORT
from rollcall_dev.chaos.record.run import run

SEED = 1


@pytest.mark.timeout(300)
async def test_each_accepted_update_has_one_effect_in_order() -> None:
    result = await run(SHORT, SEED)
    assert result.broken == []
    assert result.faults == {**SHORT.workers, **SHORT.others}
    assert result.proof.effects > SHORT.events
    assert result.proof.poison >= SHORT.poison


@pytest.mark.parametrize("mutation", MUTATIONS)
async def test_finds_out_a_worker_that_is_wrong_and_none_that_is_right(mutation: str) -> None:
    (trial,) = await try_out([mutation], SEED)
    assert trial.broken == []
    assert trial.caught
