"""`rollcall-consumer rate`."""

import click

from rollcall_consumer.commands.asking import ask
from rollcall_consumer.commands.pipelined import of_pipeline
from rollcall_consumer.runtime.orders import following
from rollcall_consumer.runtime.pipeline import Pipeline
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.control import SetRate
from rollcall_domain.service.provision import count_partitions
from rollcall_domain.topics import CONTROL

MOST = 1e9
"""Records a second, which is any number of them."""

ANY, DEFAULT = "any", "default"


class _RateType(click.ParamType[SetRate]):
    name = "rate"

    def convert(self, value: str | SetRate, param: click.Parameter | None, ctx: click.Context | None) -> SetRate:
        if not isinstance(value, str):
            return value
        if value in (ANY, DEFAULT):
            return SetRate(0 if value == ANY else None)
        try:
            rate = float(value)
        except ValueError:
            rate = 0.0
        if not 0 < rate <= MOST:
            self.fail(f"{value!r} is no number above 0 and up to {MOST:g}, nor {ANY} or {DEFAULT}", param, ctx)
        return SetRate(rate)


@click.command("rate")
@click.argument("order", metavar="[PER_SECOND|any|default]", type=_RateType(), required=False)
@of_pipeline
def rate_command(order: SetRate | None, pipeline: Pipeline) -> None:
    """Tell all replicas of the group how many records a second they may handle together.

    They follow within a second or two, and so do those that start later. Without an argument, show what is in force:
    `default` is what ROLLCALL_RATE says to each replica.
    """

    async def work(given: ConsumerSettings) -> float | None:
        settings = pipeline.settings(given)
        if order is None and not await count_partitions(settings.topic_name(CONTROL), settings):
            return None
        async with following(settings) as orders:
            if order is not None:
                await orders.give(order)
            return orders.control.rate

    rate = ask(work)
    click.echo(DEFAULT if rate is None else f"{rate:g} records a second" if rate else ANY)
