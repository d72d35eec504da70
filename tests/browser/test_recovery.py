"""The page comes back by itself, and says what it has missed."""

import signal
from contextlib import AsyncExitStack

import httpx
from playwright.async_api import expect

from rollcall_dev.kafka import ports
from rollcall_domain.partition import partition_for
from support.load import put
from support.log import delete_records
from support.school import School
from support.school import school as a_school
from support.services import Environment, producer
from support.windows import STREAM, Window, Windows

IN = "LoggedIn"


async def test_after_a_restart_of_the_api_nothing_is_missed_and_nothing_doubled(
    windows: Windows, environment: Environment
) -> None:
    port = ports.choose()
    expected: list[str] = []
    async with AsyncExitStack() as parts:
        first = await parts.enter_async_context(a_school(environment, port=port))
        other = await parts.enter_async_context(producer(environment))  # at the same Kafka
        client = await parts.enter_async_context(httpx.AsyncClient(base_url=(await other.ready()).url))

        async def pass_by(count: int) -> None:
            for _ in range(count):
                expected.append(f"s-{len(expected)}")
                assert (await put(client, expected[-1])).status_code == 200

        window = await windows.open(first.api.url)
        await window.has("Live")
        await pass_by(10)
        await first.api.end(signal.SIGKILL)
        for _ in range(2):
            await window.has("Connection lost, trying again")
            await pass_by(10)
            async with producer(environment, views=True, port=port):  # ended in order with the body
                await pass_by(10)
                await window.has("Live")
                await pass_by(10)
                await expect(window.page.locator("#feed .id")).to_have_count(len(expected))
                await window.counts(str(len(expected)))
        assert sorted(await window.rows("feed")) == sorted(expected)
        assert window.most_streams == 1


async def test_what_the_log_has_lost_meanwhile_is_marked_in_the_feed(
    windows: Windows, environment: Environment
) -> None:
    port = ports.choose()
    async with AsyncExitStack() as parts:
        first = await parts.enter_async_context(a_school(environment, port=port))
        other = await parts.enter_async_context(producer(environment))
        client = await parts.enter_async_context(httpx.AsyncClient(base_url=(await other.ready()).url))
        window = await windows.open(first.api.url)
        await window.has("Live")
        await first.api.end(signal.SIGKILL)
        for _ in range(10):
            assert (await put(client, "s-1")).status_code == 200
        delete_records(environment.servers, environment.student, partition_for(b"s-1", 6), before=7)
        async with producer(environment, views=True, port=port):
            await window.has_rows("feed", ["s-1"] * 3)
            await expect(window.page.locator("#feed li").last).to_contain_text("is gone from the log")
            await window.has("Live")


async def test_a_service_that_has_gone_silent_is_left_and_found_again(school: School, windows: Windows) -> None:
    window = await windows.blank()
    await window.page.clock.install()
    await window.page.goto(f"{school.api.url}/")
    await window.has("Live")
    school.api.send(signal.SIGSTOP)
    try:
        await window.page.clock.fast_forward(60_000)
        await window.has("Connection lost, trying again")
        await expect(window.page.locator("#note")).to_contain_text("The service has gone silent.")
    finally:
        school.api.send(signal.SIGCONT)
    await window.has("Live")
    await school.puts(("s-1", IN))
    await window.has_rows("feed", ["s-1"])


async def test_a_page_that_was_too_slow_says_so_and_begins_anew(school: School, windows: Windows) -> None:
    window = await _met_with(windows, school, 'id: x\nevent: slow\ndata: {"Detail":"too slow"}\n\n')
    await expect(window.page.locator("#note")).to_contain_text("The page could not keep up")
    await _begins_anew(window, school)
    assert len(window.asked(STREAM)) == 2


async def test_a_page_whose_place_is_not_known_any_more_says_so_and_begins_anew(
    school: School, windows: Windows
) -> None:
    window = await _met_with(windows, school, "id: of another time\nevent: live\ndata: {}\n\n")
    await expect(window.page.locator("#note")).to_contain_text("not known any more")
    await _begins_anew(window, school)
    _, refused, _ = window.asked(STREAM)
    assert refused.headers["last-event-id"] == "of another time"


async def _met_with(windows: Windows, school: School, stream: str) -> Window:
    """Open a page whose first stream says something of its own, and ends."""
    window = await windows.blank()
    kind = "text/event-stream"
    await window.page.route(f"**{STREAM}*", lambda route: route.fulfill(body=stream, content_type=kind), times=1)
    await window.page.goto(f"{school.api.url}/")
    return window


async def _begins_anew(window: Window, school: School) -> None:
    await window.has("Live")
    last = window.asked(STREAM)[-1]
    assert "from=latest" in last.url
    assert "last-event-id" not in last.headers
    await school.puts(("s-1", IN))
    await expect(window.page.locator("#feed li").first).to_contain_text("s-1")
    await expect(window.page.locator("#feed li").last).to_contain_text("Events are missing here")
