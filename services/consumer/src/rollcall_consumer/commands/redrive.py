"""`rollcall-consumer redrive`."""

import asyncio
import sys
from collections.abc import Iterator, Sequence

import click

from rollcall_consumer.commands.bar import bar, show
from rollcall_consumer.commands.selecting import selecting, selection
from rollcall_consumer.pipelines import PIPELINES
from rollcall_consumer.redrive import Plan, Report, redrive
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.place import Place
from rollcall_domain.service.process import run


@click.command("redrive")
@click.argument("pipeline", type=click.Choice(sorted(PIPELINES)), default="record")
@selecting
@click.option("--rate", type=click.FloatRange(min=0, min_open=True, max=1e9), help="how many a second at the most")
@click.option("--limit", type=click.IntRange(min=1), help="how many at the most")
@click.option(
    "--returns",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="how often a record may be sent back in all, before it is left where it is",
)
@click.option("--dry-run", is_flag=True, help="send nothing, and tell what would be sent")
@click.option("--json", "as_json", is_flag=True, help="print the report as a JSON object")
def redrive_command(  # noqa: PLR0913 - each is an option
    pipeline: str,
    conditions: Sequence[tuple[str, str]],
    student: str | None,
    since: Place | None,
    until: Place | None,
    *,
    rate: float | None,
    limit: int | None,
    returns: int,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Send dead letters of the group back to its own inbox, once what was wrong is mended.

    No other group sees them. Each is sent once, whatever ends this command meanwhile: run it again, and it goes on
    where it was. Ends with status 0 once all are seen to, and else with 1.
    """
    plan = Plan(
        selection=selection(conditions, student, since, until),
        limit=limit,
        rate=rate,
        returns=returns,
        dry_run=dry_run,
    )

    async def work(settings: ConsumerSettings, stopping: asyncio.Event) -> int:
        with bar("Sending back") as watch:
            report = await redrive(PIPELINES[pipeline], settings, plan, stopping, watch)
        show(report, _lines(report), as_json=as_json)
        return 0 if report.finished else 1

    sys.exit(run(ConsumerSettings, work, quiet=True))


def _lines(report: Report) -> Iterator[str]:
    done = "would be sent back" if report.dry_run else "sent back"
    yield f"group {report.group}: {report.sent:,} of {report.found:,} dead letters {done} in {report.seconds:.1f} s"
    for reason, count in sorted(report.by_reason.items()):
        yield f"  {reason} {count:,}"
    for reason, count in sorted(report.refused.items()):
        yield f"  left where they are, because {reason}: {count:,}"
    if report.reason is not None:
        yield f"  not finished: {report.reason}"
