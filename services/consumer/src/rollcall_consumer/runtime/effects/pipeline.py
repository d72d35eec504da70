"""An effect as a pipeline: what the runtime makes of it."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import msgspec

from rollcall_consumer.runtime.effects.crew import Crew
from rollcall_consumer.runtime.effects.effect import Effect, T, Terms
from rollcall_consumer.runtime.effects.job import EffectJobs
from rollcall_consumer.settings import ConsumerSettings, PipelineSettings, of_pipeline
from rollcall_domain.place import parse_place
from rollcall_domain.service.files import unfit
from rollcall_domain.topics import DEAD_LETTERS, INBOX, PARKED, Topic


class EffectPipeline(Effect[T], frozen=True, kw_only=True):
    """An effect that is brought about once for each record at the least, by a group of its own.

    Attributes:
        inbox: The topic for dead letters that were sent back.
    """

    inbox: Topic = INBOX

    @property
    def topics(self) -> Sequence[Topic]:
        """All topics that it reads or writes."""
        return self.source, self.inbox, PARKED, DEAD_LETTERS

    def settings(self, given: ConsumerSettings) -> ConsumerSettings:
        """Give the settings with which it names its group and its topics: as those of a pipeline beside the first."""
        return given if isinstance(given, PipelineSettings) else of_pipeline(given, self.name)

    @contextlib.asynccontextmanager
    async def engaged(self, settings: ConsumerSettings) -> AsyncIterator[EffectJobs]:
        """Have what its work takes: the handler, and the hands that call it."""
        _check_begin(settings)
        terms = self._terms(settings)
        async with self.handler(settings) as handle:
            crew = Crew(self, terms, handle, self.target(settings))
            try:
                yield EffectJobs(self.key, terms, crew)
            finally:
                await crew.close()

    def _terms(self, settings: ConsumerSettings) -> Terms:
        """Give the terms, with what the settings say instead."""
        said = {"lanes": settings.lanes, "limit": settings.try_seconds, "tries": settings.tries}
        return msgspec.structs.replace(self.terms, **{name: value for name, value in said.items() if value is not None})


def _check_begin(settings: ConsumerSettings) -> None:
    try:
        parse_place(settings.begin, datetime.now(UTC))
    except ValueError as error:
        raise unfit("begin", str(error)) from error
