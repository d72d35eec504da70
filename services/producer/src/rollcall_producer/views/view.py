"""The view of what the worker has derived, as the API has it: fed by one process, and read by all."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from pathlib import Path
from time import time
from typing import TypeVar

import structlog
from aiokafka.errors import KafkaError

from rollcall_domain.errors import RollcallError
from rollcall_domain.service.cause import explain
from rollcall_domain.service.connection import administering, persist
from rollcall_domain.service.provision import ensure_topics
from rollcall_domain.service.source import Source
from rollcall_domain.topics import CONTROL
from rollcall_producer.errors import UnreadableViewError
from rollcall_producer.settings import ProducerSettings
from rollcall_producer.views import queries
from rollcall_producer.views.feed import Feed, ForeignError
from rollcall_producer.views.lock import Lock
from rollcall_producer.views.reader import Reader, Snapshot
from rollcall_producer.views.store import Identity, Store

log = structlog.get_logger()

T = TypeVar("T")

RETRY = 1.0
"""Seconds until the log is followed again after that has failed."""

GLANCE = 0.02
"""Seconds between looks at a file that another process feeds, while somebody waits for news."""


class View:
    """The view.

    Args:
        settings: The service's settings.
        path: The file that it is kept in.

    Attributes:
        fault: Why it is not yet what it was when the service started, or None once it is.
    """

    def __init__(self, settings: ProducerSettings, path: Path) -> None:
        self.fault: str | None = "the view is not read yet"
        self._settings = settings
        self._path = path
        self._started = time()
        self._reader = Reader(path)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="feed")
        self._news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._awaited = False
        self._is_feeding = False

    async def read(self, query: Callable[[Snapshot], T]) -> T:
        """Run a query.

        Raises:
            UnreadableViewError: The view can't be read at present.
        """
        return await self._reader.read(query)

    async def changed(self) -> None:
        """Wait until there may be something new in it."""
        self._awaited = True
        await asyncio.shield(self._news)

    async def run(self) -> None:
        """Keep it up to date, or see another process do so, until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._look_on(), name="view")
                tasks.create_task(self._ripen(), name="view's start")
                async with Lock(self._path):
                    await self._keep_feeding()
        finally:
            self._reader.close()
            self._writer.shutdown()

    async def _ripen(self) -> None:
        """Wait until the view is what it was when the service started."""
        while True:
            try:
                if await self.read(queries.current) >= self._started:
                    break
            except UnreadableViewError:
                pass
            await asyncio.sleep(GLANCE)
        log.info("The view is up to date", seconds=round(time() - self._started, 1))
        self.fault = None

    async def _look_on(self) -> None:
        """Tell of news in a file that another process feeds."""
        while True:
            await asyncio.sleep(GLANCE)
            if self._awaited and not self._is_feeding:
                self._tell()

    def _tell(self) -> None:
        self._awaited = False
        self._news.set_result(None)
        self._news = asyncio.get_running_loop().create_future()

    async def _keep_feeding(self) -> None:
        self._is_feeding, anew = True, False
        while True:
            try:
                await self._feed(anew=anew)
            except ForeignError as error:
                fault, anew = str(error), True
            except (RollcallError, KafkaError, OSError, TimeoutError) as error:
                fault, anew = explain(error), False
            except sqlite3.Error as error:
                fault, anew = f"{self._path}: {error}", not isinstance(error, sqlite3.OperationalError)
            except Exception:
                log.exception("The view failed")  # and updates are to be taken all the same
                fault, anew = "an unforeseen error, which was logged", False
            log.warning("The view is not kept up to date", reason=fault)
            self._report(fault)
            await asyncio.sleep(RETRY)

    def _report(self, fault: str) -> None:
        if self.fault is not None:
            self.fault = f"the view is not read: {fault}"

    async def _feed(self, *, anew: bool) -> None:
        identity = await persist(self._identify, self._settings, self._report)
        store = await self._threaded(partial(Store, self._path, identity, anew=anew))
        try:
            async with Source(self._settings, "view", [self._settings.topic_name(CONTROL)]) as source:
                await Feed(self._settings, store, source, self._threaded, self._tell).run()
        finally:
            await self._threaded(store.close)

    async def _identify(self) -> Identity:
        """Find out what there is to be a view of."""
        await ensure_topics([CONTROL], self._settings)
        async with administering(self._settings, "rollcall-view") as admin:
            cluster = (await admin.describe_cluster())["cluster_id"]
        settings = self._settings
        return Identity(cluster, settings.topic_prefix, settings.group, settings.partitions)

    async def _threaded(self, work: Callable[[], T]) -> T:
        context = copy_context()  # as the log has it
        return await asyncio.get_running_loop().run_in_executor(self._writer, context.run, work)
