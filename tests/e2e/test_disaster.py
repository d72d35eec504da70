"""The loss of a whole cluster: a second one goes on with all that was copied, and what was not is known exactly."""

import pytest

from rollcall_dev.drill.disaster.rehearsal import Plan, rehearse


@pytest.mark.timeout(300)
async def test_a_second_cluster_goes_on_with_all_that_was_copied() -> None:
    report = await rehearse(Plan(seed=1, seconds=4, mirror_kills=1, behind=1))
    assert report.broken == []
    assert report.accepted_first > 0
    assert report.accepted_second > 0
    assert 0 < report.copied_twice <= report.repeats_dropped
    assert 0 < report.recovery_point_updates == report.brought_back
    assert report.recovery_point_seconds > 0
    assert report.recovery_accepted_seconds > 0
    assert 0 < report.recovery_effect_seconds <= report.recovery_everywhere_seconds
