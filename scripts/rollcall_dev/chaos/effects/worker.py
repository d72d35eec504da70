"""A worker of a run, as a process."""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rollcall_consumer.service import consume
from rollcall_consumer.settings import ConsumerSettings
from rollcall_dev.chaos.effects.effect import ledgered
from rollcall_domain.service.process import run

_PROGRAM = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from rollcall_dev.chaos.effects.worker import main
{patch}
main()
"""

MENDED = "mended"


def program(directory: Path, patch: str = "", *, mended: bool = False) -> Sequence[str]:
    """Have Python run a worker.

    Args:
        directory: The directory for ledgers.
        patch: Python that makes it another one than it is, or an empty string.
        mended: Whether nothing is poison any more, and nothing refused.
    """
    packages = Path(__file__).parents[3]
    return ["-c", _PROGRAM.format(patch=patch), str(packages), str(directory), *([MENDED] if mended else [])]


def main() -> None:
    """Run it until SIGTERM."""
    directory, *more = sys.argv[1:]
    sys.exit(run(ConsumerSettings, partial(consume, ledgered(Path(directory), mended=MENDED in more))))
