"""An API that shows what a worker derives, and somebody who writes and reads."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx

from support.services import PATIENCE, Environment, Service, consumer, producer


class School:
    """The API as a client has it.

    Attributes:
        client: Sends requests to it.
        api: The API.
        worker: The worker.
    """

    def __init__(self, client: httpx.AsyncClient, api: Service, worker: Service) -> None:
        self.client = client
        self.api = api
        self.worker = worker

    async def put(self, student: str, state: str = "LoggedIn", at: str | None = None) -> str:
        """Send an update; gives where it lies."""
        update = {"StudentId": student, "State": state, **({} if at is None else {"At": at})}
        answer = await self.client.put("/Record/Update", json=update)
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.headers["X-Rollcall-Position"]

    async def puts(self, *updates: tuple[str, str]) -> None:
        """Send updates, one after the other."""
        for student, state in updates:
            await self.put(student, state)

    async def upload(self, updates: Iterable[Mapping[str, str]]) -> None:
        """Send many updates at once."""
        body = "".join(f"{json.dumps(update)}\n" for update in updates)
        headers = {"Content-Type": "application/x-ndjson"}
        answer = await self.client.post("/Record/Updates", content=body, headers=headers)
        assert answer.status_code == httpx.codes.OK, answer.text

    async def get(self, path: str, **parameters: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
        """Read something."""
        answer = await self.client.get(path, params=parameters)
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.json()

    async def until(self, path: str, enough: Callable[[Any], bool], **parameters: Any) -> Any:  # noqa: ANN401 - as above
        """Read something again and again until it is as wanted."""
        async with asyncio.timeout(PATIENCE):
            while not enough(found := await self.get(path, **parameters)):  # noqa: ASYNC110 - can only be asked
                await asyncio.sleep(0.02)
        return found

    async def pages(self, path: str, name: str, **parameters: Any) -> list[list[Any]]:  # noqa: ANN401 - as httpx has it
        """Read all pages of something."""
        pages: list[list[Any]] = []
        more: dict[str, str] = {}
        while True:
            answer = await self.get(path, **{**parameters, **more})
            pages.append(answer[name])
            if "Next" not in answer:
                return pages
            more = {"cursor": answer["Next"]}

    async def all(self, path: str, name: str, **parameters: Any) -> list[Any]:  # noqa: ANN401 - as httpx has it
        """Read all of something, page by page."""
        return [item for page in await self.pages(path, name, **parameters) for item in page]


@asynccontextmanager
async def school(environment: Environment, **settings: object) -> AsyncIterator[School]:
    """Run an API and a worker."""
    async with (
        consumer(environment, log_records=False) as worker,
        producer(environment, views=True, access_log_rate=0, **settings) as api,
    ):
        await worker.ready()
        await api.ready()
        async with httpx.AsyncClient(base_url=api.url, timeout=30) as client:
            yield School(client, api, worker)


def ids(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name the students of records."""
    return [record["StudentId"] for record in records]
