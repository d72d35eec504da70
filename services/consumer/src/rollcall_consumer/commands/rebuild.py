"""`rollcall-consumer rebuild`."""

import asyncio
import sys
from collections.abc import Iterator

import click

from rollcall_consumer.commands.bar import bar, show
from rollcall_consumer.commands.places import PlaceType
from rollcall_consumer.pipelines import FOLDS
from rollcall_consumer.rebuild.removal import abandon, remove
from rollcall_consumer.rebuild.report import Report
from rollcall_consumer.rebuild.run import Plan, Rebuild
from rollcall_consumer.reporting import reporting
from rollcall_consumer.runtime.folds.pipeline import FoldPipeline
from rollcall_consumer.runtime.orders import following
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.place import Edge, Place
from rollcall_domain.service.process import run


@click.command("rebuild")
@click.argument("pipeline", type=click.Choice(sorted(FOLDS)), default="record")
@click.option(
    "--from",
    "begin",
    type=PlaceType(),
    default=Edge.BEGINNING.value,
    show_default=True,
    help="beginning, a span back such as -30d, or a time such as 2026-09-01T00:00Z",
)
@click.option(
    "--rate",
    type=click.FloatRange(min=0, max=1e9),
    default=0,
    show_default=True,
    help="records a second at the most; 0 for any",
)
@click.option("--dry-run", is_flag=True, help="build and compare, and leave it at that for now")
@click.option("--abandon", "to_abandon", is_flag=True, help="give up what is being built, and remove it")
@click.option("--remove", "to_remove", is_flag=True, help="remove generations that serve no longer")
@click.option("--json", "as_json", is_flag=True, help="print the report as a JSON object")
def rebuild_command(  # noqa: PLR0913 - each is an option
    pipeline: str, begin: Place, rate: float, *, dry_run: bool, to_abandon: bool, to_remove: bool, as_json: bool
) -> None:
    """Derive everything anew from the first event, as a new generation that takes the place of the old one.

    The old one serves meanwhile, and is kept until `--remove`. Run it again if it was interrupted: it goes on where it
    was. Ends with status 0 once the new one serves, and else with 1.
    """
    plan, chosen = Plan(begin=begin, rate=rate, dry_run=dry_run), FOLDS[pipeline]

    async def work(settings: ConsumerSettings, stopping: asyncio.Event) -> int:
        if to_abandon or to_remove:
            return await _clear(chosen, settings, to_abandon=to_abandon)
        report = await _rebuild(chosen, settings, plan, stopping)
        show(report, _lines(report), as_json=as_json)
        return 0 if report.reason is None else 1

    sys.exit(run(ConsumerSettings, work, quiet=True))


async def _rebuild(pipeline: FoldPipeline, settings: ConsumerSettings, plan: Plan, stopping: asyncio.Event) -> Report:
    report = Report(settings.owner)
    with bar("Deriving anew") as watch, reporting(report, settings):
        async with following(settings) as orders:
            await Rebuild(pipeline, settings, orders, report).run(plan, stopping, watch)
    return report


async def _clear(pipeline: FoldPipeline, settings: ConsumerSettings, *, to_abandon: bool) -> int:
    async with following(settings) as orders:
        if to_abandon:
            given_up = await abandon(pipeline, settings, orders)
            click.echo("nothing is being built" if given_up is None else f"generation {given_up} was given up")
        else:
            removed = await remove(pipeline, settings, orders)
            click.echo(f"removed generations: {', '.join(map(str, removed)) or 'none'}")
    return 0


def _lines(report: Report) -> Iterator[str]:
    if report.reason is not None:
        yield f"group {report.group}: generation {report.generation or 'none'} does not serve: {report.reason}"
    else:
        what = "serves" if report.switched else "is built, and does not serve yet"
        yield f"group {report.group}: generation {report.generation} {what}; {report.seconds:.1f} s"
    if report.still_seconds is not None:
        yield f"  nothing was handled for {report.still_seconds:.1f} s, and until replicas have read it back"
    for topic, published in sorted(report.streams.items()):
        yield f"  {topic}: {published.known:,} were there already, {published.new:,} are new"
    if (tables := report.tables) is not None:
        equal = "equal" if not tables.different else "NOT equal"
        yield (
            f"  the new state and the old one are {equal}: {tables.same:,} the same, {tables.different:,} different, "
            f"{tables.moved_on:,} moved on meanwhile"
        )
        for example in tables.examples:
            yield f"  {example.topic} {example.key}\n    old {example.old}\n    new {example.new}"
