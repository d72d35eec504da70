"""Clients who are at work all at once."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterator
from types import TracebackType
from typing import Any, Self

from rollcall_dev.chaos.callers import Door


class Crowd(ABC):
    """Clients who are at work while the body runs; then all of them finish what they are about.

    Args:
        doors: Where the API is, several times; they are told there to end.
    """

    def __init__(self, *doors: Door) -> None:
        self._doors = doors
        self._tasks = asyncio.TaskGroup()

    @abstractmethod
    def _clients(self) -> Iterator[Coroutine[Any, Any, None]]:
        """Give what each of them does until told to end."""

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        for client in self._clients():
            self._tasks.create_task(client)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for door in self._doors:
            door.ending = True
        await self._tasks.__aexit__(kind, error, traceback)
