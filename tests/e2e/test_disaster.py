"""The loss of a whole cluster: a second one goes on with all that was copied, and what was not is known exactly."""

import pytest

from rollcall_dev.drill.disaster.rehearsal import Plan, rehearse


@pytest.mark.timeout(300)
async def test_a_second_cluster_goes_on_with_all_that_was_copied() -> None:
    findings = await rehearse(Plan(seed=1, seconds=4, mirror_kills=1, behind=1))
    assert findings.broken == []
    assert findings.accepted_first > 0
    assert findings.accepted_second > 0
    assert 0 < findings.copied_twice <= findings.repeats_dropped
    assert 0 < findings.recovery_point_updates == findings.brought_back
    assert findings.recovery_point_seconds > 0
    assert findings.recovery_accepted_seconds > 0
    assert 0 < findings.recovery_effect_seconds <= findings.recovery_everywhere_seconds
