"""Word to a person who waits: live on a terminal, plain lines elsewhere."""

import sys
from typing import TextIO


class Progress:
    """Writes lines, and on a terminal also a last line that changes.

    Attributes:
        name: What they are about, which each begins with.
    """

    def __init__(self, stream: TextIO | None = None, *, name: str = "kafka") -> None:
        """Write to `stream`, by default the standard error of the process."""
        self.name = name
        self._stream = sys.stderr if stream is None else stream
        self._live = self._stream.isatty()

    def line(self, text: str) -> None:
        """Write a line that stays."""
        clear = "\r\033[K" if self._live else ""
        print(f"{clear}{self.name}: {text}", file=self._stream, flush=True)

    def update(self, text: str) -> None:
        """Replace the last line on a terminal."""
        if self._live:
            print(f"\r\033[K{self.name}: {text}", end="", file=self._stream, flush=True)
