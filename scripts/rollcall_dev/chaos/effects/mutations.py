"""Workers that are not as they should be: the proof has to find each of them out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rollcall_dev.chaos.effects.plan import Plan
from rollcall_dev.chaos.effects.run import run
from rollcall_dev.chaos.record.verdict import DOUBLED, INVERTED

PLAN = Plan(alerts=1500, kills=2, scalings=3)

PATIENCE = 15.0
"""Seconds after which there will always be a lag."""

SHOWN = 150
"""Characters of what has shown a wrong worker."""


@dataclass(frozen=True)
class Mutation:
    """A worker that is not as it should be.

    Attributes:
        summary: What is wrong with it, for people.
        patch: Python that makes it so.
        shown: How what shows it begins.
    """

    summary: str
    patch: str
    shown: str


@dataclass
class Trial:
    """What has come of trying a mutation.

    Attributes:
        mutation: Its name.
        caught: Whether it was found out.
        found: What has shown it, in words.
    """

    mutation: str
    caught: bool
    found: list[str]


MUTATIONS = {
    "no-notes": Mutation(
        "work that begins without a look at what is finished beyond the offset that was committed",
        """
from rollcall_consumer.runtime.effects import books
right = books.read_note
books.read_note = lambda watermark, note: right(watermark, "")
""",
        f"{DOUBLED}: has succeeded again without a kill",
    ),
    "no-order": Mutation(
        "a lane for each record instead of each key",
        """
from rollcall_consumer.runtime.effects.desk import Desk
right = Desk.take
Desk.take = lambda self, number, record, key: right(self, number, record, None)
""",
        f"{INVERTED}: was begun before an earlier one was done with",
    ),
    "letter-alone": Mutation(
        "dead letters that are written, and their records not marked as finished",
        """
from rollcall_consumer.runtime.effects.desk import Desk
from rollcall_consumer.runtime.effects.offsets import Unfinished
right, finish = Desk._write, Unfinished.finish
def write(self, lane, reason, detail):
    Unfinished.finish = lambda self, offset: None
    right(self, lane, reason, detail)
    Unfinished.finish = finish
Desk._write = write
""",
        f"{DOUBLED}: dead letters",
    ),
}
"""All mutations, by name. Each names what it replaces, and fails where there is no such thing any more."""


async def try_out(names: Sequence[str], seed: int, tell: Callable[[str], None]) -> list[Trial]:
    """Try mutations, one after the other."""
    return [await _try(name, seed, tell) for name in names]


async def _try(name: str, seed: int, tell: Callable[[str], None]) -> Trial:
    mutation = MUTATIONS[name]
    tell(f"{name}: {mutation.summary}")
    result = await run(PLAN, seed, mutation.patch, patience=PATIENCE)
    found = [broken for broken in result.broken if broken.startswith(mutation.shown)]
    tell(f"{name}: {f'found out: {found[0][:SHOWN]} …' if found else 'NOT FOUND OUT'}")
    return Trial(name, bool(found), found)
