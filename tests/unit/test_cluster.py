"""Where the brokers of a cluster listen, and where they keep their data."""

from pathlib import Path

import pytest

from rollcall_dev.kafka import KafkaStartError, cluster


@pytest.mark.parametrize(("kept", "count"), [(1, 3), (3, 1), (3, 5), (5, 3)])
def test_data_is_refused_that_is_of_another_number_of_brokers(tmp_path: Path, kept: int, count: int) -> None:
    for config in cluster.plan(kept, data=tmp_path):
        assert config.data is not None
        (config.data / "data").mkdir(parents=True)
    assert len(cluster.plan(kept, data=tmp_path)) == kept
    with pytest.raises(KafkaStartError, match=f"has the data of {kept} brokers?, not of {count}"):
        cluster.plan(count, data=tmp_path)


def test_brokers_have_the_port_that_is_asked_for_and_those_after_it() -> None:
    configs = cluster.plan(3, port=20_000)
    assert [config.node.port for config in configs] == [20_000, 20_001, 20_002]
    assert len({config.node.controller_port for config in configs} - {20_000, 20_001, 20_002}) == 3
    assert all(config.voters == tuple(config.node for config in configs) for config in configs)
