"""How something goes on, for people: a bar on a terminal, and elsewhere a line now and then."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from time import monotonic

import click

INTERVAL = 10.0
"""Seconds between lines."""

_TICK = 0.2
"""Seconds between looks."""

_WIDTH = 24

Look = Callable[[], tuple[int, str]]
"""Tells how much is done, and what there is to say."""

_Show = Callable[[int, str], None]


@contextlib.asynccontextmanager
async def display(label: str, total: int, look: Look) -> AsyncIterator[None]:
    """Show on standard error how something goes on while the body runs.

    Args:
        label: What it is.
        total: How much there is to be done.
        look: Is asked again and again, and at the end.
    """
    with _bar(label, total) if sys.stderr.isatty() else contextlib.nullcontext(_Lines(label, total)) as show:
        watching = asyncio.create_task(_watch(show, look))
        try:
            yield
        finally:
            watching.cancel()
            show(*look())


async def _watch(show: _Show, look: Look) -> None:
    while True:
        show(*look())
        await asyncio.sleep(_TICK)


@contextlib.contextmanager
def _bar(label: str, total: int) -> Iterator[_Show]:
    with click.progressbar(
        length=total, label=label, show_pos=True, show_eta=False, item_show_func=_same, width=_WIDTH, file=sys.stderr
    ) as bar:

        def show(done: int, text: str) -> None:
            bar.current_item = text
            bar.make_step(done - bar.pos)
            bar.render_progress()

        yield show


def _same(text: str | None) -> str | None:
    return text


class _Lines:
    """Lines that are written now and then."""

    def __init__(self, label: str, total: int) -> None:
        self._label = label
        self._total = total
        self._next = monotonic()

    def __call__(self, done: int, text: str) -> None:
        if monotonic() >= self._next:
            self._next = monotonic() + INTERVAL
            print(f"{self._label}, {text}: {done:,} of {self._total:,} updates", file=sys.stderr)
