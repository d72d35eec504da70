"""The ledger of effects: each once at the least, in order, twice only after a kill; and a proof that can fail."""

import pytest

from rollcall_dev.chaos.effects.mutations import try_out
from rollcall_dev.chaos.effects.plan import Plan
from rollcall_dev.chaos.effects.run import run
from rollcall_dev.chaos.record.run import Progress

SEED = 1


@pytest.mark.timeout(200)
async def test_each_alert_has_its_effect_or_is_a_dead_letter_in_order_and_again_only_after_a_kill() -> None:
    result = await run(Plan(alerts=2000, kills=3, scalings=2), SEED)
    assert result.broken == []
    assert [harm.fault for harm in result.harms].count("worker-kill") == 3
    assert len(result.harms) == 5
    assert len(result.proof.stories) == 2000
    assert result.redriven == result.proof.letters.total() > 0


@pytest.mark.timeout(200)
async def test_finds_out_a_worker_that_forgets_what_is_finished_beyond_the_offset_that_was_committed() -> None:
    (trial,) = await try_out(["no-notes"], SEED, Progress())
    assert trial.caught
