"""A fold as a pipeline: what the runtime makes of it."""

import contextlib
from collections.abc import AsyncIterator

from rollcall_consumer.runtime.folds.fold import Derivation
from rollcall_consumer.runtime.folds.job import FoldJobs
from rollcall_consumer.settings import ConsumerSettings


class FoldPipeline(Derivation, frozen=True):
    """A fold that is run exactly once for each record, under the name of the group itself."""

    def settings(self, given: ConsumerSettings) -> ConsumerSettings:
        """Give the settings as they are: what the group derives has its name."""
        return given

    @contextlib.asynccontextmanager
    async def engaged(self, _: ConsumerSettings) -> AsyncIterator[FoldJobs]:
        """Have what its work takes."""
        yield FoldJobs(self)
