"""How many updates a second a client may send: a bucket for each, in memory that workers share."""

import asyncio
import math
from collections.abc import AsyncIterator
from hashlib import blake2b
from http import HTTPStatus
from mmap import mmap
from pathlib import Path
from time import monotonic
from typing import TypeVar

from rollcall_domain.service.rate import Rate
from rollcall_producer.problems import Problem
from rollcall_producer.worker import Worker

T = TypeVar("T")

PIECES = 10
"""In how many pieces an upload takes what it may in a second."""

_SLOTS = 16_384
_WAYS = 8
_ENTRY = 16
_SIZE = _SLOTS * _ENTRY


class Buckets:
    """A bucket for each client, in memory that workers share.

    It is a table of 16,384 in sets of eight. A client without a bucket gets that of its set which has been full for
    the longest time, or will be the soonest: one that is full holds nothing worth keeping. Two workers that write at
    the same moment may let one more pass than they should.
    """

    def __init__(self, worker: Worker | None) -> None:
        memory = memoryview(_memory(worker))
        self._clients = memory.cast("Q")[::2]
        self._times = memory.cast("d")[1::2]

    def find(self, client: str) -> int:
        """Find a client's bucket."""
        wanted = int.from_bytes(blake2b(client.encode(), digest_size=8).digest()) or 1
        first = wanted % (_SLOTS // _WAYS) * _WAYS
        for slot in range(first, first + _WAYS):
            if self._clients[slot] == wanted:
                return slot
        slot = min(range(first, first + _WAYS), key=self._times.__getitem__)
        self._clients[slot], self._times[slot] = wanted, 0.0
        return slot

    def __getitem__(self, slot: int) -> float:
        return self._times[slot]

    def __setitem__(self, slot: int, full_at: float) -> None:
        self._times[slot] = full_at


def _memory(worker: Worker | None) -> mmap:
    if worker is None:
        return mmap(-1, _SIZE)
    with Path(worker.directory, "buckets").open("a+b") as file:
        file.truncate(_SIZE)
        return mmap(file.fileno(), _SIZE)


class RateLimit:
    """What a client may send.

    Args:
        per_second: Updates a second; a second's worth may come at once.
        worker: Which one of several this process is, or None if it is the only one.
    """

    def __init__(self, per_second: float, worker: Worker | None) -> None:
        self._per_second = per_second
        self._rate = Rate(per_second)
        self._buckets = Buckets(worker)

    def check(self, client: str) -> None:
        """Let an update of a client pass.

        Raises:
            Problem: 429, if it is one too many; that one does not count.
        """
        now, slot = monotonic(), self._buckets.find(client)
        full_at = self._buckets[slot]
        wait = self._rate.free_at(full_at) - now
        if wait > 0:
            raise self._problem(wait)
        self._buckets[slot] = self._rate.take(full_at, now)

    async def pace(self, blocks: AsyncIterator[list[T]], client: str) -> AsyncIterator[list[T]]:
        """Hand on what comes in, no faster than the client may send it; nothing is read that can't be handed on."""
        step = max(1, int(self._per_second / PIECES))
        async for block in blocks:
            for start in range(0, len(block), step):
                piece = block[start : start + step]
                await self._await_turn(client)
                slot = self._buckets.find(client)
                self._buckets[slot] = self._rate.take(self._buckets[slot], monotonic(), len(piece))
                yield piece

    async def _await_turn(self, client: str) -> None:
        while (wait := self._rate.free_at(self._buckets[self._buckets.find(client)]) - monotonic()) > 0:  # noqa: ASYNC110 - time it is
            await asyncio.sleep(wait)

    def _problem(self, wait: float) -> Problem:
        detail = f"more than {self._per_second:g} updates a second; try again in {wait:.3f} s"
        retry = {"Retry-After": str(math.ceil(wait))}
        return Problem(HTTPStatus.TOO_MANY_REQUESTS, "rate-limited", detail, headers=retry)
