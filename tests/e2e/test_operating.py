"""What operators tell a group, as they do it: by commands."""

import pytest

from support.services import Environment, consumer, running


async def _say(environment: Environment, *arguments: str, **settings: object) -> tuple[int, list[str]]:
    """Run a command to its end; give its status and its lines."""
    async with running("rollcall_consumer", *arguments, **environment.variables(**settings)) as command:
        status = await command.end(None)
    return status, [str(event["event"]) for event in command.events]


async def test_a_rate_reaches_replicas_that_run(environment: Environment) -> None:

    async with consumer(environment, rate=100) as worker:
        await worker.event(lambda event: event.get("per_second") == 100)
        assert await _say(environment, "rate") == (0, ["default"])
        assert await _say(environment, "rate", "2.5") == (0, ["2.5 records a second"])
        await worker.event(lambda event: event.get("per_second") == 2.5)
        assert await _say(environment, "rate", "any") == (0, ["any"])
        await worker.event(lambda event: event.get("per_second") == "any")
        assert await _say(environment, "rate", group="office") == (0, ["default"])
        assert await _say(environment, "rate", "default") == (0, ["default"])


@pytest.mark.parametrize("rate", ["0", "-1", "many", "nan", "inf"])
async def test_a_rate_that_is_none_is_refused(environment: Environment, rate: str) -> None:
    status, lines = await _say(environment, "rate", "--", rate)
    assert (status, lines[-1]) == (
        2,
        f"Error: Invalid value for '[PER_SECOND|any|default]': {rate!r} is no number above 0, nor any or default",
    )
