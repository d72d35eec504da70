"""What the API shows of what was written: the view and the log, and the routes that answer from them."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from starlette.routing import Route

from rollcall_domain.errors import ConfigurationError
from rollcall_domain.service.settings import env_name
from rollcall_producer.access import Access, Endpoint
from rollcall_producer.page.routes import page_routes
from rollcall_producer.past.archive import Archive
from rollcall_producer.reads.activity import ACTIVITY_ROUTE, GetActivity
from rollcall_producer.reads.alerts import ALERTS_ROUTE, GetAlerts
from rollcall_producer.reads.events import HISTORY_ROUTE, GetHistory
from rollcall_producer.reads.history import History
from rollcall_producer.reads.patience import Patience
from rollcall_producer.reads.pipeline import PIPELINE_ROUTE, GetPipeline
from rollcall_producer.reads.student import RECORD_ROUTE, GetRecord
from rollcall_producer.reads.students import RECORDS_ROUTE, GetRecords
from rollcall_producer.settings import ProducerSettings
from rollcall_producer.stream.endpoint import STREAM_ROUTE, GetStream
from rollcall_producer.stream.stream import Stream
from rollcall_producer.tokens import Scope
from rollcall_producer.views.group import Group
from rollcall_producer.views.view import View

FILE = "view.sqlite"
"""The view's file, where it is not kept."""


class Shown:
    """What the API shows.

    Args:
        settings: The service's settings.
        path: The file that the view is kept in.
    """

    def __init__(self, settings: ProducerSettings, path: Path) -> None:
        self._settings = settings
        self._view = View(settings, path)
        self._group = Group(settings, self._view)
        self._archive = Archive(settings)
        self._stream = Stream(settings, self._archive)

    @property
    def fault(self) -> str | None:
        """Why not all can be shown yet that could be, or None."""
        return self._view.fault

    async def run(self) -> None:
        """Keep up with what is written, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for part in (self._view, self._group, self._archive, self._stream):
                tasks.create_task(part.run())

    def routes(self, access: Access) -> list[Route]:
        """List the routes that answer from it, and those of the page, which asks them."""
        settings, view = self._settings, self._view
        partitions = settings.partitions
        patience = Patience(settings, view, self._group)
        history = History(settings, self._archive, view)
        answers: dict[str, Endpoint] = {
            RECORDS_ROUTE: GetRecords(view, patience, partitions).answer,
            RECORD_ROUTE: GetRecord(patience, history, partitions).answer,
            HISTORY_ROUTE: GetHistory(history).answer,
            ACTIVITY_ROUTE: GetActivity(view, patience, partitions).answer,
            ALERTS_ROUTE: GetAlerts(view, patience, partitions).answer,
            PIPELINE_ROUTE: GetPipeline(settings, view, self._group).answer,
        }
        return [
            Route(STREAM_ROUTE, GetStream(self._stream, access), methods=["GET"]),  # before it is taken for a student
            *(Route(path, access.guarded(answer, Scope.READ)) for path, answer in answers.items()),
            *page_routes(),
        ]

    async def close(self) -> None:
        """End what would go on for ever."""
        await self._stream.close()


@contextmanager
def file_of(settings: ProducerSettings) -> Iterator[Path]:
    """Give the file that the view is kept in; one of its own, that is gone afterwards, if the settings name none.

    Raises:
        ConfigurationError: It can't be made.
    """
    given = Path(settings.views_file)
    with ExitStack() as stack:
        try:
            if settings.views and settings.views_file:
                given.parent.mkdir(parents=True, exist_ok=True)
                given.touch()
            elif settings.views:
                temporary = tempfile.TemporaryDirectory(prefix="rollcall-view-", ignore_cleanup_errors=True)
                given = Path(stack.enter_context(temporary), FILE)
        except OSError as error:
            where = settings.views_file or "a temporary file"
            raise ConfigurationError(env_name("views_file"), f"can't use {where}: {error.strerror}") from error
        yield given
