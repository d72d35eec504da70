"""The command `scripts/load`."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from itertools import islice
from typing import Any
from urllib.parse import SplitResult, urlsplit

import uvloop

from rollcall_dev.arguments import TOKEN, whole
from rollcall_dev.school.api import Api, ApiError
from rollcall_dev.school.classes import STUDENTS, classes
from rollcall_dev.school.clock import SPEED
from rollcall_dev.school.day import days
from rollcall_dev.school.player import Player
from rollcall_dev.school.tally import Tally
from rollcall_dev.school.timetable import CLOSES

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

FASTEST = 36_000
"""At this speed a day takes a second."""

MOST = 100_000


def main() -> int:
    """Play what is asked for.

    Returns:
        0 if all was accepted that was answered, and else 1.
    """
    for number in SIGNALS:
        signal.signal(number, lambda *_: sys.exit(0))
    options = _options()
    api, tally = Api(options.url, os.environ.get(TOKEN)), Tally()
    try:
        uvloop.run(_until_told(_play(options, api, tally)))
    except ApiError as error:
        fault = f"load: {error}"
    else:
        fault = ""
    if tally.due:
        print("\n".join(tally.summary()), flush=True)
    if fault:
        print(fault, file=sys.stderr)
    return int(bool(fault or tally.failed))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/load",
        description="Play a school day to the API: who comes, goes out in breaks, and goes home, one PUT for each. "
        f"Where the API asks for a token, it is shown that in {TOKEN}.",
    )
    parser.add_argument(
        "--url", type=_url, default="http://127.0.0.1:8000", help="where the API is (default: %(default)s)"
    )
    parser.add_argument(
        "--speed",
        type=whole(1, FASTEST),
        default=SPEED,
        metavar="N",
        help="minutes that pass at school in one of ours (default: %(default)s)",
    )
    parser.add_argument(
        "--students", type=whole(1, MOST), default=STUDENTS, metavar="N", help="of the school (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help="what all chance is drawn from (default: %(default)s)"
    )
    parser.add_argument("--forever", action="store_true", help="begin the next day when one has ended")
    parser.add_argument(
        "--sweep", action="store_true", help="log everybody out first, as is needed after a day that was cut short"
    )
    return parser.parse_args()


def _url(text: str) -> SplitResult:
    try:
        url = urlsplit(text.rstrip("/"))
        usable = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        usable = False
    if not usable or url.username is not None or url.query or url.fragment:
        raise argparse.ArgumentTypeError(f"{text!r} is not an address such as http://127.0.0.1:8000")
    return url


async def _play(options: argparse.Namespace, api: Api, tally: Tally) -> None:
    school = classes(options.students)
    left = [student for one in school for student in one.students] if options.sweep else []
    plans = days(school, options.seed, left)
    await api.greet()
    print(
        f"{options.students:,} students in {len(school):,} classes, at {options.speed:,} times the speed, "
        f"seed {options.seed}, to {api}",
        file=sys.stderr,
    )
    player = Player(api, options.speed, tally)
    if options.forever:
        await player.play(plans, CLOSES)
    else:
        await player.play(islice(plans, 1))


async def _until_told(work: Coroutine[Any, Any, None]) -> None:
    """Work until done, or told to end by a signal."""
    task = asyncio.create_task(work)
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await task


if __name__ == "__main__":
    sys.exit(main())
