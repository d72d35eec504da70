"""Windows of a real browser that look at the page, and whatever goes wrong in them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright, expect

from rollcall_dev import browser

_PATIENCE_MS = 20_000
"""Milliseconds after which what has not come will not come."""

expect.set_options(timeout=_PATIENCE_MS)

STREAM = "/Record/Stream"


class Window:
    """A window with the page in it, which shares nothing with others.

    Attributes:
        page: The page, as Playwright has it.
        faults: Errors of scripts, and what the page was forbidden to do.
        requests: All that it has asked for.
        most_streams: How many streams it had open at a time.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []
        self.requests: list[Request] = []
        self.most_streams = 0
        self._streams: set[Request] = set()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._hear)
        page.on("request", self._count)
        page.on("requestfinished", self._end)
        page.on("requestfailed", self._end)

    def _hear(self, message: ConsoleMessage) -> None:
        # What the network does is the page's business, and no fault.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.faults.append(message.text)

    def _count(self, request: Request) -> None:
        self.requests.append(request)
        if STREAM in request.url:
            self._streams.add(request)
            self.most_streams = max(self.most_streams, len(self._streams))

    def _end(self, request: Request) -> None:
        self._streams.discard(request)

    def asked(self, path: str) -> list[Request]:
        """List requests whose URLs have a path in them."""
        return [request for request in self.requests if path in request.url]

    async def has(self, status: str) -> None:
        """Wait until it says how it is connected."""
        await expect(self.page.locator("#status")).to_have_text(status)

    async def send(self, student: str, state: str = "Logged in") -> None:
        """Send an update by the form."""
        await self.page.get_by_label("Student id").fill(student)
        await self.page.get_by_role("radio", name=state, exact=True).check()
        await self.page.get_by_role("button", name="Send").click()

    async def choose(self, place: str) -> None:
        """Choose from where on events are shown."""
        await self.page.get_by_role("radio", name=place, exact=True).check()

    async def rows(self, name: str) -> list[str]:
        """Give the ids in a list, by the list's name."""
        return await self.page.locator(f"#{name} .id").all_text_contents()

    async def has_rows(self, name: str, ids: list[str]) -> None:
        """Wait until a list has exactly these ids in this order."""
        await expect(self.page.locator(f"#{name} .id")).to_have_text(ids)

    async def counts(self, number: str) -> None:
        """Wait until so many are in."""
        await expect(self.page.locator("#count")).to_have_text(number)


class Windows:
    """Opens windows on a page.

    Attributes:
        all: Those that were opened.
    """

    def __init__(self, running: Browser) -> None:
        self.all: list[Window] = []
        self._running = running

    async def open(self, url: str, width: int = 1440, height: int = 900, **options: Any) -> Window:  # noqa: ANN401 - Playwright's
        """Open the page in a new window.

        Args:
            url: Where the API is.
            width: Of the window, in CSS pixels.
            height: Likewise.
            options: What Playwright takes for a context, such as `color_scheme`.
        """
        window = await self.blank(width, height, **options)
        await window.page.goto(f"{url}/")
        return window

    async def blank(self, width: int = 1440, height: int = 900, **options: Any) -> Window:  # noqa: ANN401 - Playwright's
        """Open a window with nothing in it yet."""
        settings: Mapping[str, Any] = {"locale": "en-GB", "viewport": {"width": width, "height": height}, **options}
        context = await self._running.new_context(**settings)
        window = Window(await context.new_page())
        self.all.append(window)
        return window


@asynccontextmanager
async def browsing() -> AsyncIterator[Windows]:
    """Run a browser while the body runs; the windows opened in it must have had no faults.

    Raises:
        NoBrowserError: There is none.
    """
    executable = browser.find()
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(
            executable_path=executable, chromium_sandbox=browser.is_sandboxed(), timeout=60_000
        )
        windows = Windows(running)
        try:
            yield windows
        finally:
            await running.close()
    assert [window.faults for window in windows.all] == [[] for _ in windows.all]
