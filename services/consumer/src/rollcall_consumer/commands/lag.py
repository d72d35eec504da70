"""`rollcall-consumer lag`."""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from itertools import count

import click
import msgspec

from rollcall_consumer.commands.asking import ask
from rollcall_consumer.commands.pipelined import of_pipeline
from rollcall_consumer.commands.spans import duration
from rollcall_consumer.lag import Lag, watch
from rollcall_consumer.runtime.pipeline import Pipeline
from rollcall_consumer.settings import ConsumerSettings

_COLUMNS = "{:>9}  {:>12}  {:>10}  {:>9}  {:>9}  {:>10}  {}"


@click.command("lag")
@click.argument("groups", metavar="[GROUP]...", nargs=-1)
@of_pipeline
@click.option("--watch", "goes_on", is_flag=True, help="look again every two seconds, until Ctrl-C")
@click.option("--json", "as_json", is_flag=True, help="print a JSON object for each group")
def lag_command(groups: Sequence[str], pipeline: Pipeline, *, goes_on: bool, as_json: bool) -> None:
    """Show how far groups are behind: in records and seconds, at which rates, for how long yet, and who works.

    A group is named as in ROLLCALL_GROUP, which is the one that is shown if none is named. It takes two seconds, in
    which the rates are found out.
    """

    async def work(settings: ConsumerSettings) -> None:
        names = groups or [settings.group]
        seen = [watch(pipeline, msgspec.structs.replace(settings, group=name)) for name in names]
        async with contextlib.AsyncExitStack() as stack:
            for each in seen:
                await stack.enter_async_context(aclosing(each))
            for _ in count() if goes_on else range(1):
                _show([await anext(each) for each in seen], as_json=as_json, clear=goes_on and sys.stdout.isatty())

    with contextlib.suppress(KeyboardInterrupt):
        ask(work)


def _show(lags: Sequence[Lag], *, as_json: bool, clear: bool) -> None:
    if as_json:
        for lag in lags:
            click.echo(msgspec.json.encode(lag))
        return
    if clear:
        click.clear()
    for lag in lags:
        click.echo("\n".join(_lines(lag)))


def _lines(lag: Lag) -> Iterator[str]:
    yield (
        f"group {lag.group}: {lag.records:,} records behind, {duration(lag.seconds)}; {lag.coming:,.1f}/s in, "
        f"{lag.handled:,.1f}/s out; {_left(lag.seconds_left)}; {lag.replicas} "
        f"{'replica' if lag.replicas == 1 else 'replicas'}"
    )
    yield _COLUMNS.format("partition", "records", "behind", "in/s", "out/s", "caught up", "held by")
    for part in lag.partitions:
        yield _COLUMNS.format(
            part.partition,
            f"{part.records:,}",
            duration(part.seconds),
            f"{part.coming:,.1f}",
            f"{part.handled:,.1f}",
            "never" if part.seconds_left is None else duration(part.seconds_left),
            part.held_by or "nobody",
        )


def _left(seconds: float | None) -> str:
    if seconds is None:
        return "never caught up at this pace"
    return f"caught up in {duration(seconds)}" if seconds else "caught up"
