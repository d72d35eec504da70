"""The command `rollcall-consumer`."""

import contextlib
import os
import sys
from datetime import UTC, datetime
from functools import partial

import click
import uvloop
from aiokafka.errors import KafkaError

from rollcall_consumer.pipelines import PIPELINES
from rollcall_consumer.place import Edge, Place, parse_place
from rollcall_consumer.service import consume
from rollcall_consumer.settings import ConsumerSettings
from rollcall_consumer.tail import tail
from rollcall_consumer.view import read_line
from rollcall_domain.errors import RollcallError
from rollcall_domain.service.cause import Overheard
from rollcall_domain.service.connection import unreachable
from rollcall_domain.service.logs import hush
from rollcall_domain.service.process import run as run_process
from rollcall_domain.service.settings import describe, load


@click.group(epilog="\b\nSettings, from the environment:\n" + describe(ConsumerSettings))
@click.version_option(package_name="rollcall-consumer")
def main() -> None:
    """Consume Rollcall's events, or look at them."""


@main.command()
@click.argument("pipeline", type=click.Choice(sorted(PIPELINES)), default="record")
def run(pipeline: str) -> None:
    """Run a replica of a PIPELINE until SIGTERM or Ctrl-C."""
    sys.exit(run_process(ConsumerSettings, partial(consume, PIPELINES[pipeline])))


class _PlaceType(click.ParamType[Place]):
    name = "place"

    def convert(self, value: str | Place, param: click.Parameter | None, ctx: click.Context | None) -> Place:
        if not isinstance(value, str):
            return value
        try:
            return parse_place(value, datetime.now(UTC))
        except ValueError as error:
            self.fail(str(error), param, ctx)


@main.command("tail")
@click.option(
    "--from",
    "place",
    type=_PlaceType(),
    default=Edge.LATEST.value,
    show_default=True,
    help="beginning, latest, a span back such as -2m, or a time such as 2026-11-23T10:00Z",
)
@click.option("--student", help="show this StudentId alone")
@click.option("--follow/--no-follow", default=True, show_default=True, help="go on with what is still to come")
@click.option("--json", "as_json", is_flag=True, help="print a JSON object a line")
def tail_command(place: Place, student: str | None, *, follow: bool, as_json: bool) -> None:
    """Show the stream as it flows, from any place, beside whoever else consumes it."""

    async def print_all(settings: ConsumerSettings) -> None:
        async for record in tail(settings, place, follow=follow):
            line = read_line(record)
            if line is not None and student in (None, line.student_id):
                click.echo(line.json() if as_json else line.text())

    hush()
    with Overheard() as heard:
        try:
            settings = load(ConsumerSettings, os.environ)
            with contextlib.suppress(KeyboardInterrupt):
                uvloop.run(print_all(settings))
        except RollcallError as error:
            raise click.ClickException(str(error)) from error
        except (KafkaError, TimeoutError) as error:
            raise click.ClickException(unreachable(settings, heard.cause(error))) from error


if __name__ == "__main__":
    main()
