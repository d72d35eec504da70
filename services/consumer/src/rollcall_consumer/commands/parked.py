"""`rollcall-consumer parked`."""

from collections.abc import Iterator, Sequence
from time import time

import click
import msgspec

from rollcall_consumer.commands.asking import ask
from rollcall_consumer.commands.spans import duration
from rollcall_consumer.parked import choose, find, give_up, release, shown
from rollcall_consumer.pipelines import EFFECTS
from rollcall_consumer.runtime.effects.parking import Parked
from rollcall_consumer.settings import ConsumerSettings

_COLUMNS = "{:<24}  {:>5}  {:>8}  {:>8}  {:<30}  {}"


@click.command("parked")
@click.argument("pipeline", type=click.Choice(sorted(EFFECTS)), default="notify")
@click.option("--release", "released", metavar="KEY", multiple=True, help="try this one at once; may be given again")
@click.option(
    "--give-up",
    "given_up",
    metavar="KEY",
    multiple=True,
    help="make this one a dead letter, so that the next one of the key goes on; may be given again",
)
@click.option("--json", "as_json", is_flag=True, help="print a JSON object a line")
def parked_command(pipeline: str, released: Sequence[str], given_up: Sequence[str], *, as_json: bool) -> None:
    """List the records that PIPELINE has failed to handle and tries again, while the later ones of their keys wait.

    A record is named by its key, or by its place, as both are listed. Replicas do what they are told within a second
    or two.
    """
    chosen = EFFECTS[pipeline]

    async def work(settings: ConsumerSettings) -> list[Parked]:
        parked = await find(chosen, settings)
        for words in (released, given_up):
            _check(words, parked)
        if released:
            await release(chosen, settings, choose(parked, released))
        if given_up:
            await give_up(chosen, settings, choose(parked, given_up))
        return choose(parked, [*released, *given_up]) if released or given_up else parked

    told = ask(work)
    if as_json:
        for each in told:
            click.echo(msgspec.json.encode(shown(each)))
    else:
        for line in _lines(told):
            click.echo(line)


def _check(words: Sequence[str], parked: Sequence[Parked]) -> None:
    for word in words:
        if not choose(parked, [word]):
            raise click.ClickException(f"nothing is parked by the name of {word!r}")


def _lines(parked: Sequence[Parked]) -> Iterator[str]:
    if not parked:
        return
    now = time() * 1000
    yield _COLUMNS.format("key", "tries", "since", "next", "place", "error")
    for each in parked:
        yield _COLUMNS.format(
            "" if each.key is None else each.key,
            each.tries,
            duration((now - each.since) / 1000),
            duration(max(0.0, (each.next_try - now) / 1000)),
            each.place,
            each.error,
        )
