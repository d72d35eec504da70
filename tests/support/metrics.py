"""Metrics as they are shown."""

import asyncio

import httpx
from prometheus_client.parser import text_string_to_metric_families

from support.services import PATIENCE

Metrics = dict[tuple[str, ...], float]
"""Values, by name and the values of the labels in the order of their names."""


async def shown_by(client: httpx.AsyncClient) -> Metrics:
    """Ask for metrics."""
    families = text_string_to_metric_families((await client.get("/metrics")).text)
    samples = [sample for family in families for sample in family.samples]
    return {(sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value for sample in samples}


async def until_shown(client: httpx.AsyncClient, wanted: Metrics) -> None:
    """Wait until metrics have values."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not wanted.items() <= (metrics := await shown_by(client)).items():  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError({name: (value, metrics.get(name)) for name, value in wanted.items()}) from None
