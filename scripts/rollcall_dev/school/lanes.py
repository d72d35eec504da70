"""Lanes to the API: updates of a student are sent one after the other, each until it is settled."""

import asyncio
from http import HTTPStatus
from types import TracebackType
from typing import Self
from zlib import crc32

from rollcall_dev.chaos.http import BROKEN, Answer
from rollcall_dev.school.api import Api, ApiError, cause, detail
from rollcall_dev.school.day import Update
from rollcall_dev.school.tally import Tally

LANES = 64
"""How many there are, each with a connection of its own."""

PAUSE = 0.5
"""Seconds before an update is sent again where the API does not say."""

_CONNECT_LIMIT = 5.0

_AGAIN = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
"""Refusals that pass, as all of 500 and above do."""

_NEVER = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
"""Refusals that are the same for every update."""


class Lanes:
    """All lanes, while the body runs. Leaving it drops what is not settled.

    Args:
        api: Where updates go.
        tally: Is told what becomes of them.
    """

    def __init__(self, api: Api, tally: Tally) -> None:
        self._tally = tally
        self._lanes = [_Lane(api, tally) for _ in range(LANES)]
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._tasks = [self._group.create_task(lane.run()) for lane in self._lanes]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        try:
            await self._group.__aexit__(kind, error, traceback)
        except ExceptionGroup as group:
            raise group.exceptions[0] from None  # all of them met with the same

    def give(self, update: Update, key: str) -> None:
        """Have an update sent, after all others of its student that were given before."""
        self._tally.due += 1
        self._lanes[crc32(update.student.encode()) % LANES].give(update, key)

    async def settled(self) -> None:
        """Wait until all updates are settled."""
        for lane in self._lanes:
            await lane.settled()


class _Lane:
    """A lane: one connection, and one update at a time."""

    def __init__(self, api: Api, tally: Tally) -> None:
        self._api = api
        self._tally = tally
        self._connection = api.connection()
        self._queue: asyncio.Queue[tuple[Update, str]] = asyncio.Queue()

    def give(self, update: Update, key: str) -> None:
        self._queue.put_nowait((update, key))

    async def settled(self) -> None:
        await self._queue.join()

    async def run(self) -> None:
        """Send what is given until cancelled.

        Raises:
            ApiError: The API will never take an update of ours.
        """
        try:
            while True:
                update, key = await self._queue.get()
                self._tally.sent += 1
                await self._settle(update, self._api.put(update, key))
                self._queue.task_done()
        finally:
            self._connection.drop()

    async def _settle(self, update: Update, request: bytes) -> None:
        """Send an update until it is written, or refused for good."""
        while True:
            try:
                answer = await self._ask(request)
            except BROKEN as error:
                await self._wait(cause(error), PAUSE)
                continue
            if answer.status == HTTPStatus.OK:
                self._tally.accept(update)
                return
            if answer.status not in _AGAIN and answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                self._refuse(answer)
                return
            await self._wait(str(answer.status), _pause(answer))

    async def _ask(self, request: bytes) -> Answer:
        if not self._connection.is_open:
            async with asyncio.timeout(_CONNECT_LIMIT):
                await self._connection.open()
        return await self._connection.ask(request)

    async def _wait(self, trouble: str, seconds: float) -> None:
        """Wait before an update is sent again."""
        self._tally.trouble = trouble
        self._tally.waiting += 1
        await asyncio.sleep(seconds)
        self._tally.waiting -= 1
        self._tally.retried[trouble] += 1

    def _refuse(self, answer: Answer) -> None:
        self._tally.failed[detail(answer)] += 1
        if answer.status in _NEVER:
            raise ApiError(f"{self._api} refuses updates: {detail(answer)}")


def _pause(answer: Answer) -> float:
    told = answer.headers.get("retry-after", "")
    return float(told) if told.isdecimal() else PAUSE
