"""A load of updates, each for a student of its own, and what became of them."""

import asyncio
from collections import Counter
from time import monotonic
from types import TracebackType
from typing import Any, NamedTuple, Self

import httpx
import msgspec

from support.log import read_all
from support.services import PATIENCE, Environment, Service


async def put(client: httpx.AsyncClient, student_id: str, state: str = "LoggedIn") -> httpx.Response:
    """Send an update."""
    return await client.put("/Record/Update", json={"StudentId": student_id, "State": state})


async def see_through(api: Service, worker: Service, student_id: str) -> None:
    """Send an update through both services, once they are ready."""
    await asyncio.gather(api.ready(), worker.ready())
    async with httpx.AsyncClient(base_url=api.url) as client:
        assert (await put(client, student_id)).status_code == httpx.codes.OK
    await worker.event(lambda event: event["event"] == f"Student {student_id} updated state to LoggedIn")


async def count_students(environment: Environment) -> Counter[str]:
    """Count the updates in the log, by student."""
    records = await read_all(environment.servers, environment.student)
    return Counter(msgspec.json.decode(record.value or b"")["StudentId"] for record in records)


NO_ANSWER = 0
"""In place of a status: the connection broke."""


class Answer(NamedTuple):
    """What became of an update."""

    student_id: str
    status: int
    seconds: float
    problem: dict[str, Any]
    retry_after: str | None


class Load:
    """Callers who send one update after the other while the body runs.

    Attributes:
        answers: All answers so far.
    """

    def __init__(self, url: str, callers: int = 20) -> None:
        self.answers: list[Answer] = []
        self._client = httpx.AsyncClient(base_url=url, timeout=60)
        self._callers = callers
        self._changed = asyncio.Condition()
        self._ending = False

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._call(number)) for number in range(self._callers)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ending = True
        await asyncio.gather(*self._tasks)
        await self._client.aclose()

    async def answered(self, status: int, count: int) -> None:
        """Wait for a number of further answers with a status."""
        begin = len(self.answers)
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(
                lambda: sum(answer.status == status for answer in self.answers[begin:]) >= count
            )

    async def _call(self, number: int) -> None:
        turn = 0
        while not self._ending:
            turn += 1
            student_id = f"s-{number}-{turn}"
            begin = monotonic()
            try:
                answer = await put(self._client, student_id)
            except httpx.TransportError:
                answer = httpx.Response(NO_ANSWER)
            seconds = monotonic() - begin
            problem = answer.json() if answer.content else {}
            retry_after = answer.headers.get("retry-after")
            async with self._changed:
                self.answers.append(Answer(student_id, answer.status_code, seconds, problem, retry_after))
                self._changed.notify_all()
