"""Pictures of the page, of a real run."""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import islice, product
from pathlib import Path
from time import monotonic
from typing import Literal

import httpx
from PIL import Image
from playwright.async_api import Browser, async_playwright, expect

from rollcall_dev import browser
from rollcall_dev.drill.site import site
from rollcall_dev.environment import ROOT
from rollcall_dev.kafka import KafkaStartError
from rollcall_dev.school.classes import classes
from rollcall_dev.school.day import Update, days, inside
from rollcall_dev.school.timetable import CLOSES, OPENS, time

FOLDER = ROOT / "docs/screenshots"

SIZES = {"phone": (390, 844), "desktop": (1440, 900), "wall": (2560, 1440)}
"""Screens, in CSS pixels."""

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

LIMIT = 150_000
"""How many bytes a picture may have."""

STUDENTS = 1300

NOW = time(7, 56)
"""What time it is at school: shortly before the first lesson of the second day."""

_DAY = CLOSES - OPENS
"""From one day to the next. There is no night: by the clock, whoever came then would have been in for too long."""

_PATIENCE = 60
_LOOK = 0.2


def main() -> int:
    """Take the pictures.

    Returns:
        0, or 1 if there is no browser or no Kafka.
    """
    parser = argparse.ArgumentParser(prog="scripts/screenshots", description="Take pictures of the page.")
    parser.add_argument("--out", type=Path, default=FOLDER, metavar="DIR", help="where to (default: docs/screenshots)")
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    try:
        asyncio.run(_take(folder))
    except (browser.NoBrowserError, KafkaStartError) as error:
        print(f"screenshots: {error}", file=sys.stderr)
        return 1
    return 0


async def _take(folder: Path) -> None:
    executable = browser.find()
    with tempfile.TemporaryDirectory(prefix="rollcall-screenshots-") as logs:
        async with site(Path(logs), brokers=1) as place, async_playwright() as playwright:
            await place.api.start()
            url = f"http://127.0.0.1:{place.api.port}"
            running = await playwright.chromium.launch(
                executable_path=executable, chromium_sandbox=browser.is_sandboxed()
            )
            async with _school(url):
                for (name, size), scheme in product(SIZES.items(), SCHEMES):
                    _keep(await _picture(running, url, size, scheme), folder / f"{name}-{scheme}.png")
            await running.close()


@asynccontextmanager
async def _school(url: str) -> AsyncIterator[None]:
    """Have a day and the morning of the next one behind it, and go on with that while the body runs."""
    first, second = islice(days(classes(STUDENTS), seed=7), 2)
    updates = [*(update._replace(at=update.at - _DAY) for update in first), *second]
    now = datetime.now(UTC)
    async with httpx.AsyncClient(base_url=url, timeout=_PATIENCE, trust_env=False) as client:
        lines = (_line(update, now) for update in updates if update.at < NOW)
        headers = {"Content-Type": "application/x-ndjson"}
        answer = await client.post("/Record/Updates", content="\n".join(lines), headers=headers)
        answer.raise_for_status()
        count = len(inside(update for update in updates if update.at < NOW))
        async with asyncio.timeout(_PATIENCE):
            while await _count(client) != count:  # noqa: ASYNC110 - can only be asked
                await asyncio.sleep(_LOOK)
        going_on = asyncio.create_task(_go_on(client, [update for update in updates if update.at >= NOW]))
        try:
            yield
        finally:
            going_on.cancel()


async def _count(client: httpx.AsyncClient) -> int:
    """Count who is in, as the API shows it."""
    answer = await client.get("/Record", params={"state": "LoggedIn", "limit": 1, "count": "true"})
    return int(answer.json()["Count"]) if answer.is_success else -1


def _line(update: Update, now: datetime) -> str:
    at = now - timedelta(seconds=NOW - update.at)
    return json.dumps({"StudentId": update.student, "State": update.state.name, "At": at.isoformat()})


async def _go_on(client: httpx.AsyncClient, updates: Iterable[Update]) -> None:
    began = monotonic()
    for update in updates:
        await asyncio.sleep(began + update.at - NOW - monotonic())
        await client.put("/Record/Update", json={"StudentId": update.student, "State": update.state.name})


async def _picture(running: Browser, url: str, size: tuple[int, int], scheme: Literal["light", "dark"]) -> bytes:
    width, height = size
    context = await running.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, locale="en-GB", reduced_motion="reduce"
    )
    page = await context.new_page()
    await page.goto(f"{url}/")
    await expect(page.locator("#status")).to_have_text("Live", timeout=_PATIENCE * 1000)
    await page.get_by_role("radio", name="2 min behind").check()
    await expect(page.locator("#feed li").nth(20)).to_be_attached(timeout=_PATIENCE * 1000)
    await expect(page.locator("#status")).to_have_text("Live", timeout=_PATIENCE * 1000)
    await page.evaluate("scrollTo(0, 0)")
    picture = await page.screenshot()
    await context.close()
    return picture


def _keep(picture: bytes, path: Path) -> None:
    """Write a picture with 256 colours, which are enough for it."""
    with Image.open(BytesIO(picture)) as whole:
        whole.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
            path, optimize=True
        )
    size = path.stat().st_size
    print(f"{path.name}: {size / 1000:.0f} kB")
    if size > LIMIT:
        print(f"{path} has {size} bytes, and may have {LIMIT}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
