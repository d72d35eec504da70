"""Who watches services: each has to stay the process that it is, and to say all the while that it lives."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from rollcall_dev.chaos.process import Service

LOOK = 0.25
"""Seconds between looks at a service."""


class Watch:
    """Watches services while the body runs.

    Args:
        services: Those that run.

    Attributes:
        lived: How often each of them has said that it lives.
        silent: How often each of them has not.
        restarts: How often each of them has become another process.
    """

    def __init__(self, services: Sequence[Service]) -> None:
        self.lived: Counter[str] = Counter()
        self.silent: Counter[str] = Counter()
        self.restarts: Counter[str] = Counter()
        self._services = services
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._look_at(service)) for service in self._services]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        ended, _ = await asyncio.wait(self._tasks)
        for task in ended:
            if not task.cancelled():
                task.result()  # who does not look any more sees nothing amiss

    def faults(self) -> Iterator[str]:
        """Tell what was not as it should be, in words."""
        for name, times in self.silent.items():
            yield f"{name} did not say that it lives, {times} times"
        for name, times in self.restarts.items():
            yield f"{name} has become another process, {times} times"

    async def _look_at(self, service: Service) -> None:
        pid = service.pid
        while True:
            told = self.lived if await service.lives() else self.silent
            told[service.name] += 1
            self.restarts += Counter([service.name] * (service.pid != pid))
            pid = service.pid
            await asyncio.sleep(LOOK)
