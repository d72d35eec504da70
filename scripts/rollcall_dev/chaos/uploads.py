"""Uploaders: many updates at once by `POST /Record/Updates`, and the verdict on each."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from http import HTTPStatus
from itertools import count
from time import monotonic, time_ns
from typing import Any

import msgspec

from rollcall_dev.chaos.callers import STATES, Door, Line
from rollcall_dev.chaos.http import BROKEN, Answer, request
from rollcall_dev.chaos.ledger import Attempt, Ledger, Outcome

PART = 250
"""Lines that are sent in one go."""

PAUSE = 0.05
"""Seconds between them."""

STUDENTS = 40
"""Students of each uploader, for each kind of upload."""

INVALID, HANG_UP, REPEATED = 100, 8, 20
"""Which lines are faulty, which uploads are broken off, and how many lines are sent again though accepted."""

DAY = 24 * 60 * 60 * 1000
"""Milliseconds by which the times lie back that lines have of their own."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Kind(Enum):
    """What tells the records of an upload's lines from all others."""

    GIVEN = "ids in the lines; verdicts are asked for, and what is not accepted is sent again"
    TOLD = "ids in the verdicts"
    TIMED = "times in the lines; no verdicts are asked for"


@dataclass(slots=True)
class _Item:
    """A line of an upload."""

    attempt: Attempt
    text: bytes


class Uploaders:
    """Sends uploads of each kind in turn.

    Args:
        ledger: Where each line is noted.
        door: Where the API is.
        lines: Lines of an upload.
        told: Is called after each answer.
        pause: Seconds between uploads.
    """

    def __init__(
        self, ledger: Ledger, door: Door, lines: int, told: Callable[[Outcome], None], *, pause: float = 0.0
    ) -> None:
        self._ledger = ledger
        self._door = door
        self._lines = lines
        self._told = told
        self._pause = pause
        self._sent: Counter[str] = Counter()
        self._clock = count(time_ns() // 1_000_000 - DAY)

    async def upload(self, number: int) -> None:
        """Send uploads until told to end."""
        line = Line(self._door)
        again: Sequence[_Item] = ()
        kinds = list(Kind)
        for turn in count(1):
            if self._door.ending:
                break
            if not await line.ready():
                continue
            kind = kinds[turn % len(kinds)]
            hang_up = turn % HANG_UP == 0
            lines = self._lines // 2 if hang_up else self._lines
            items = [self._item(kind, f"u{number}-{kind.name}", line) for _ in range(lines)]
            repeated = [self._repeated(item, line) for item in again] if kind is Kind.GIVEN else []
            await self._send(line, [*repeated, *items], verdicts=kind is not Kind.TIMED, hang_up=hang_up)
            if kind is Kind.GIVEN:
                rest = [*repeated, *items[REPEATED:]]
                again = [*items[:REPEATED], *(item for item in rest if _is_open(item.attempt))]
            await asyncio.sleep(self._pause)
        line.connection.drop()

    def _item(self, kind: Kind, name: str, line: Line) -> _Item:
        """Make the next line of an uploader."""
        self._sent[name] += 1
        number = self._sent[name]
        attempt = Attempt(f"{name}-{number % STUDENTS}", number // STUDENTS % 2, line.process)
        more = b""
        if kind is Kind.GIVEN:
            attempt.key = f"{name}/{number}"
            more = b',"Id":"%b"' % attempt.key.encode()
        elif kind is Kind.TIMED:
            time = next(self._clock)
            attempt.mark = ("time", attempt.student, str(time))
            at = (_EPOCH + timedelta(milliseconds=time)).isoformat(timespec="milliseconds")
            more = b',"At":"%b"' % at.encode()
        name = "Asleep" if number % INVALID == 0 else STATES[attempt.state]
        text = b'{"StudentId":"%b","State":"%b"%b}\n' % (attempt.student.encode(), name.encode(), more)
        return _Item(self._ledger.begin(attempt), text)

    def _repeated(self, item: _Item, line: Line) -> _Item:
        before = item.attempt
        return _Item(self._ledger.begin(Attempt(before.student, before.state, line.process, before.key)), item.text)

    async def _send(self, line: Line, items: Sequence[_Item], *, verdicts: bool, hang_up: bool) -> None:
        """Send an upload, and note what is told of its lines."""
        body = [b"".join(item.text for item in items[start : start + PART]) for start in range(0, len(items), PART)]
        more = b"{" if hang_up else b""  # which never comes
        path = "/Record/Updates?verdicts=all" if verdicts else "/Record/Updates"
        whole = request("POST", path, {"Content-Type": "application/x-ndjson"}, b"".join([*body, more]))
        receiving = asyncio.create_task(line.connection.receive())
        sent = monotonic()
        with contextlib.suppress(*BROKEN):  # what is received tells why, if anything does
            await line.connection.send(whole.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
            for part in body:
                if receiving.done():
                    break
                await line.connection.send(part)
                sent = monotonic()
                await asyncio.sleep(PAUSE)
        if hang_up:
            line.connection.drop()
        is_answered_early = receiving.done()
        try:
            answer = await receiving
        except BROKEN as error:
            if isinstance(error, TimeoutError):
                self._ledger.oddities.append("no answer to an upload")
        else:
            self._ledger.time(monotonic() - sent)
            self._note(answer, items, verdicts=verdicts)
            self._told(items[0].attempt.outcome)
        if is_answered_early:  # in the midst of the request: its connection is of no use for another
            line.connection.drop()

    def _note(self, answer: Answer, items: Sequence[_Item], *, verdicts: bool) -> None:
        if answer.status not in (HTTPStatus.OK, HTTPStatus.MULTI_STATUS, HTTPStatus.SERVICE_UNAVAILABLE):
            self._ledger.oddities.append(f"POST was answered {answer.status}: {answer.body[:200]!r}")
        elif verdicts and answer.headers["content-type"] == "application/x-ndjson":
            _note_verdicts([msgspec.json.decode(line) for line in answer.body.splitlines()], items)
        else:
            _note_summary(msgspec.json.decode(answer.body), items)


def _note_verdicts(told: list[dict[str, Any]], items: Sequence[_Item]) -> None:
    *verdicts, _ = told
    for item, verdict in zip(items, verdicts, strict=False):
        outcome = Outcome(verdict["Status"])
        if item.attempt.key is None and outcome is not Outcome.REJECTED:
            item.attempt.mark = ("id", verdict["Id"])
        item.attempt.settle(outcome)
    for item in items[len(verdicts) :]:
        item.attempt.settle(Outcome.NOT_WRITTEN)


def _note_summary(told: dict[str, Any], items: Sequence[_Item]) -> None:
    summary = told.get("summary", told)
    through: int = summary["DurableThrough"]
    rejected = {rejection["Line"] for rejection in summary["Rejections"]}
    for number, item in enumerate(items, 1):
        if number in rejected:
            item.attempt.settle(Outcome.REJECTED)
        else:
            item.attempt.settle(Outcome.ACCEPTED if number <= through else Outcome(told["outcome"]))


def _is_open(attempt: Attempt) -> bool:
    return attempt.outcome in (Outcome.NOT_WRITTEN, Outcome.UNKNOWN)
