"""What several commands take, as arguments and from the environment."""

import argparse
from collections.abc import Callable
from pathlib import Path

TOKEN = "ROLLCALL_TOKEN"  # noqa: S105 - its name
"""The variable with the token that commands show to the API. It is no setting of a service."""


def writable(text: str) -> Path:
    """Find out before a long run whether its figures can be written.

    Raises:
        ArgumentTypeError: They can't.
    """
    path = Path(text)
    try:
        path.open("a").close()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"can't write {text}: {error.strerror}") from error
    return path


def whole(low: int, high: int) -> Callable[[str], int]:
    """Read whole numbers within bounds, both of which are allowed."""

    def read(text: str) -> int:
        if not (text.isdecimal() and low <= int(text) <= high):
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low:,} to {high:,}")
        return int(text)

    return read
