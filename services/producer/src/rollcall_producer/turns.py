"""Uploads that are read at a time: each takes memory while it is, and others wait for their turn."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus

from rollcall_producer.form import Form
from rollcall_producer.problems import Problem

UPLOADS = 64
"""Uploads of any kind, up to 2 MiB each."""

ARRAYS = 8
"""JSON arrays among them, up to 6 MiB each: the text, and the updates in it."""

WINDOWS = 6
"""Uploads compressed by zstd among them, up to 9 MiB each."""

RETRY_AFTER = 1
"""Seconds after which it is worthwhile to try again."""


class Turns:
    """Lets uploads come in, a limited number at a time.

    Args:
        patience: Seconds that one may wait.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._uploads = asyncio.Semaphore(UPLOADS)
        self._arrays = asyncio.Semaphore(ARRAYS)
        self._windows = asyncio.Semaphore(WINDOWS)

    @asynccontextmanager
    async def turn(self, form: Form) -> AsyncIterator[None]:
        """Wait until an upload may be read, and hold its place while it is.

        Raises:
            Problem: 429, if it has waited long enough.
        """
        needed = [*[self._windows] * form.zstd, *[self._arrays] * form.array, self._uploads]
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(self._patience):
                    for place in needed:
                        await held.enter_async_context(place)
            except TimeoutError as error:
                detail = f"too many uploads are being read; try again in {RETRY_AFTER} s"
                headers = {"Retry-After": str(RETRY_AFTER), "Connection": "close"}  # the body is not read
                raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "busy", detail, headers=headers) from error
            yield
