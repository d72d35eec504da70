"""How effects fare, measured when somebody asks."""

from collections.abc import Iterator, Mapping, Sequence
from time import time

from prometheus_client.core import GaugeMetricFamily

from rollcall_consumer.runtime.effects.desk import Desk


def gauges(desks: Sequence[Desk], breakers: Mapping[str, float]) -> Iterator[GaugeMetricFamily]:
    """Measure what this replica has in hand.

    Args:
        desks: The desks of all partitions that it holds.
        breakers: For how many seconds each breaker has been open that is.
    """
    running = sum(desk.running for desk in desks)
    in_hand = sum(desk.in_hand for desk in desks)
    since = [lane.failure.since for desk in desks for lane in desk.parked.values() if lane.failure is not None]
    beyond = sum(each.beyond for desk in desks for each in desk.inputs.values())
    yield _gauge("rollcall_effects_in_flight", "Tries that are running", running)
    yield _gauge("rollcall_effects_waiting", "Records in hand that no try is running of", in_hand - running)
    yield _gauge("rollcall_parked_keys", "Keys whose first record has failed and is to be tried again", len(since))
    yield _gauge(
        "rollcall_parked_oldest_seconds",
        "For how long the oldest of them has failed",
        max(0.0, time() - min(since) / 1000) if since else 0.0,
    )
    yield _gauge("rollcall_finished_beyond_watermark", "Records finished beyond the first that is not", beyond)
    opened = GaugeMetricFamily(
        "rollcall_breaker_open_seconds", "For how long a target has not been tried as usual", labels=["target"]
    )
    for target, seconds in breakers.items():
        opened.add_metric([target], seconds)
    yield opened


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)
