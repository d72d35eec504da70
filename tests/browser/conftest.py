from collections.abc import AsyncIterator

import pytest

from support.school import School, school
from support.services import Environment
from support.windows import Windows, browsing


@pytest.fixture
async def windows() -> AsyncIterator[Windows]:
    """A browser."""
    async with browsing() as windows:
        yield windows


@pytest.fixture(name="school")
async def _school(environment: Environment) -> AsyncIterator[School]:
    """An API that the page is served by, with a worker behind it."""
    async with school(environment) as running:
        yield running
