"""Arguments that several commands take."""

import argparse
from pathlib import Path


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
