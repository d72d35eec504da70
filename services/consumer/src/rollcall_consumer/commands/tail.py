"""`rollcall-consumer tail`."""

import contextlib

import click

from rollcall_consumer.commands.asking import ask
from rollcall_consumer.commands.places import PlaceType
from rollcall_consumer.settings import ConsumerSettings
from rollcall_consumer.tail import tail
from rollcall_consumer.view import read_line
from rollcall_domain.place import Edge, Place


@click.command("tail")
@click.option(
    "--from",
    "place",
    type=PlaceType(),
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

    with contextlib.suppress(KeyboardInterrupt):
        ask(print_all)
