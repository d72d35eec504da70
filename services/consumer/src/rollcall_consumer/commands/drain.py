"""`rollcall-consumer drain`."""

import asyncio
import sys
from collections.abc import Iterator

import click

from rollcall_consumer.commands.bar import bar, show
from rollcall_consumer.drain import Report, drain
from rollcall_consumer.pipelines import PIPELINES
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.service.process import run


@click.command("drain")
@click.argument("pipeline", type=click.Choice(sorted(PIPELINES)), default="record")
@click.option(
    "--timeout",
    "limit",
    type=click.FloatRange(min=0, min_open=True, max=31 * 86_400),
    default=3600,
    show_default=True,
    help="seconds after which to give up",
)
@click.option("--json", "as_json", is_flag=True, help="print the report as a JSON object")
def drain_command(pipeline: str, limit: float, *, as_json: bool) -> None:
    """Handle what is there now, and end: a batch run, as by cron once an hour.

    Works as a replica of the group, also beside others: it is over once the group has come to where the log ended when
    the run began. Prints a report, and ends with status 0; with status 1 if it has not come to that.
    """

    async def work(settings: ConsumerSettings, stopping: asyncio.Event) -> int:
        with bar("Handling records") as watch:
            report = await drain(PIPELINES[pipeline], settings, stopping, limit, watch)
        show(report, _lines(report), as_json=as_json)
        return 0 if report.drained else 1

    sys.exit(run(ConsumerSettings, work, quiet=True))


def _lines(report: Report) -> Iterator[str]:
    yield f"group {report.group}: {'drained' if report.drained else f'not drained: {report.reason}'}"
    lag_after = "unknown" if report.lag_after is None else f"{report.lag_after:,}"
    yield f"  {report.seconds:.1f} s; lag {report.lag_before:,} before, {lag_after} after"
    yield (
        f"  handled here {report.records:,}, of which {report.repeated:,} repeated, {report.forwarded:,} forwarded, "
        f"{report.dead_letters:,} dead letters"
    )
    for topic, count in sorted(report.written.items()):
        yield f"  written to {topic} {count:,}"
