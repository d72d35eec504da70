"""`rollcall-consumer dead`."""

import re
from collections.abc import Sequence

import click

from rollcall_consumer.commands.asking import ask
from rollcall_consumer.commands.pipelined import of_pipeline
from rollcall_consumer.commands.selecting import selecting, selection
from rollcall_consumer.dead import DeadLetterLog, Selection
from rollcall_consumer.runtime.letters import Letter
from rollcall_consumer.runtime.pipeline import Pipeline
from rollcall_consumer.settings import ConsumerSettings
from rollcall_consumer.shown import Shown, shown
from rollcall_domain.place import Place
from rollcall_domain.service.provision import count_partitions
from rollcall_domain.service.source import Source
from rollcall_domain.topics import DEAD_LETTERS

_PLACE = re.compile(r"(\d{1,9})@(\d{1,18})")


class _LetterType(click.ParamType[tuple[int, int]]):
    name = "letter"

    def convert(
        self, value: str | tuple[int, int], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        if not isinstance(value, str):
            return value
        match = _PLACE.fullmatch(value)
        if match is None:
            self.fail(f"{value!r} is no place such as 4@17: partition and offset of a dead letter", param, ctx)
        return int(match[1]), int(match[2])


@click.command("dead")
@click.argument("place", type=_LetterType(), required=False)
@of_pipeline
@selecting
@click.option("--limit", type=click.IntRange(min=1), help="how many at the most")
@click.option("--all", "redriven", is_flag=True, help="those that were sent back as well")
@click.option("--json", "as_json", is_flag=True, help="print a JSON object a line, with all of each: an export")
def dead_command(  # noqa: PLR0913 - each is an option
    place: tuple[int, int] | None,
    conditions: Sequence[tuple[str, str]],
    student: str | None,
    since: Place | None,
    until: Place | None,
    *,
    pipeline: Pipeline,
    limit: int | None,
    redriven: bool,
    as_json: bool,
) -> None:
    """List the dead letters of the group, or show all of the one at PLACE, such as 4@17.

    Partition by partition, and the oldest first; without those that were sent back.
    """
    wanted = selection(conditions, student, since, until, redriven=redriven)
    if place is not None:
        wanted = Selection(place=place, redriven=True)

    def show(letter: Letter, *, was_redriven: bool) -> None:
        told: Shown = shown(letter, redriven=was_redriven)
        if as_json:
            click.echo(told.json())
        elif place is None:
            click.echo(told.line())
        else:
            click.echo("\n".join(told.lines()))

    async def work(given: ConsumerSettings) -> int:
        settings = pipeline.settings(given)
        if not await count_partitions(settings.topic_name(DEAD_LETTERS), settings):
            return 0
        count = 0
        async with Source(settings, "rollcall-dead", [settings.topic_name(DEAD_LETTERS)]) as source:
            letters = DeadLetterLog(settings, source)
            found = await letters.find(wanted)
            for index, offsets in found.wanted.items():
                for_now = offsets if limit is None else offsets[: limit - count]
                async for letter in letters.read(index, for_now):
                    show(letter, was_redriven=(index, letter.offset) in found.redriven)
                    count += 1
        return count

    if not ask(work) and place is not None:
        raise click.ClickException(f"there is no dead letter of the group at {place[0]}@{place[1]}")
