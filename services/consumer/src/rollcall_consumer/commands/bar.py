"""How a command shows how it goes on, and what has come of it."""

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator

import click
import msgspec


@contextlib.contextmanager
def bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on standard error while the body runs, if that is a terminal.

    Args:
        label: What is done.

    Yields:
        What is to be told how much there is to be done in all, and how much of it is.
    """
    if not sys.stderr.isatty():
        yield lambda _, __: None
        return
    with click.progressbar(length=0, label=label, show_pos=True, file=sys.stderr) as shown:

        def watch(total: int, done: int) -> None:
            shown.length = total
            shown.update(done - shown.pos)

        yield watch


def show(report: msgspec.Struct, lines: Iterable[str], *, as_json: bool) -> None:
    """Print a report, for programs or in lines for people."""
    click.echo(msgspec.json.encode(report).decode() if as_json else "\n".join(lines))
