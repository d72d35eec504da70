"""Whether the page can be used: by keyboard, by screen readers, on small and large screens, and at once."""

from itertools import product
from typing import Any, Literal

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from support.school import School
from support.windows import Windows

SIZES = {"small": (360, 740), "phone": (390, 844), "tablet": (820, 1180), "desktop": (1440, 900), "wall": (2560, 1440)}

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

FOCUSED = """() => {
    const element = document.activeElement;
    const shown = element.matches("input[type=radio]") ? element.nextElementSibling : element;
    const style = getComputedStyle(shown);
    return [element.id || element.value || element.textContent, style.outlineStyle, parseFloat(style.outlineWidth)];
}"""


TOO_SMALL = """() => [...document.querySelectorAll("button, input:not([type=radio]), .segments label")]
    .filter((one) => one.checkVisibility())
    .map((one) => [one.id || one.textContent, one.getBoundingClientRect().height])
    .filter(([, height]) => height < 24)"""


async def _fill(school: School) -> None:
    await school.puts(
        *((f"s-{number}", "LoggedIn") for number in range(120)), ("s-1", "LoggedIn"), ("s-2", "LoggedOut")
    )


async def test_axe_finds_nothing(school: School, windows: Windows) -> None:
    window = await windows.open(school.api.url)
    await window.has("Live")
    assert await _violations(window.page) == []
    await _fill(school)
    await window.counts("119")
    await window.page.get_by_text("As a table").click()
    await window.page.get_by_role("button", name="Pause").click()
    await window.send("")
    await expect(window.page.locator("#student-fault")).not_to_be_empty()
    assert await _violations(window.page) == []
    await window.page.route("**/Record/Stream*", lambda route: route.fulfill(status=401, json={"detail": "No token."}))
    await window.page.reload()
    await window.has("A token is needed")
    assert await _violations(window.page) == []


async def _violations(page: Page) -> list[tuple[str, str, list[str]]]:
    """List what axe finds in light and dark, on a phone and on a desk."""
    found = []
    for (name, size), scheme in product(SIZES.items(), SCHEMES):
        if name in {"small", "desktop"}:
            await page.set_viewport_size({"width": size[0], "height": size[1]})
            await page.emulate_media(color_scheme=scheme)
            violations = (await Axe().run(page)).response["violations"]
            found += [(f"{name}, {scheme}", one["id"], [node["html"] for node in one["nodes"]]) for one in violations]
    return found


async def test_fits_on_every_screen(school: School, windows: Windows) -> None:
    await _fill(school)
    window = await windows.open(school.api.url)
    await window.counts("119")
    for name, (width, height) in SIZES.items():
        await window.page.set_viewport_size({"width": width, "height": height})
        assert await window.page.evaluate("document.documentElement.scrollWidth") == width, name
        high = await window.page.evaluate("document.documentElement.scrollHeight")
        if name != "tablet":  # there it is a matter of what there is to show
            assert (high == height) == (name in {"desktop", "wall"}), name
        root = await window.page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)")
        assert root == (26 if name == "wall" else 16)
        for section in await window.page.locator("main > section").all():
            box = await section.bounding_box()
            assert box is not None
            assert 0 <= box["x"] < box["x"] + box["width"] <= width, name
        assert await window.page.evaluate(TOO_SMALL) == [], name


async def test_all_can_be_done_by_keyboard_and_the_focus_be_seen(school: School, windows: Windows) -> None:
    await school.puts(("s-1", "LoggedIn"), ("s-1", "LoggedIn"))
    window = await windows.open(school.api.url)
    await window.has("Live")
    await window.has_rows("alerts", ["s-1"])
    await window.choose("Beginning")
    await window.has_rows("feed", ["s-1", "s-1"])
    await window.has("Live")
    await window.page.reload()
    await window.has("Live")
    keyboard, reached = window.page.keyboard, []
    for _ in range(12):
        await keyboard.press("Tab")
        name, style, width = await window.page.evaluate(FOCUSED)
        assert style != "none", name
        assert width >= 2, name
        reached.append(name)
        if name == "latest":
            await keyboard.press("ArrowLeft")
            await window.has_rows("feed", ["s-1", "s-1"])
            await window.has("Live")
            await expect(window.page.get_by_role("radio", name="Live", exact=True)).to_be_focused()
        if name == "student":
            await keyboard.type("s-2")
        if name == "LoggedIn":
            await keyboard.press("ArrowRight")
        if name == "Send":
            await keyboard.press("Enter")
            break
    await expect(window.page.locator("#update-result")).to_contain_text("s-2 is logged out")
    assert reached == [
        "Skip to who is in",
        "prefix",
        "roster",
        "As a table",
        "alerts",
        "feed-pause",
        "latest",
        "feed",
        "student",
        "LoggedIn",
        "Send",
    ]


async def test_has_landmarks_and_headings(school: School, windows: Windows) -> None:
    window = await windows.open(school.api.url)
    for role in ("banner", "main", "search", "contentinfo"):
        await expect(window.page.get_by_role(role)).to_have_count(1)
    headings = await window.page.get_by_role("heading").all_text_contents()
    assert headings == [
        "Rollcall",
        "In now",
        "Per minute, last 30 minutes",
        "Alerts, last 24 hours",
        "Events",
        "Send an update",
    ]
    assert await window.page.locator("h1").count() == 1
    assert await window.page.get_by_role("region").count() == 5


async def test_nothing_moves_for_those_who_ask_for_that(school: School, windows: Windows) -> None:
    window = await windows.open(school.api.url, reduced_motion="reduce")
    await window.has("Live")
    await school.puts(("s-1", "LoggedIn"))
    await window.has_rows("roster", ["s-1"])
    assert await window.page.evaluate("document.getAnimations().length") == 0


async def test_is_there_with_less_than_100_kb_of_its_own(school: School, windows: Windows) -> None:
    window = await windows.blank()
    sizes: dict[str, int] = {}

    async def weigh(response: Any) -> None:  # noqa: ANN401 - Playwright's
        if response.request.resource_type in {"document", "script", "stylesheet", "image", "other"}:
            sizes[response.url] = len(await response.body())

    window.page.on("response", weigh)
    await window.page.goto(f"{school.api.url}/")
    await window.has("Live")
    await window.page.wait_for_load_state()
    assert len(sizes) > 10
    assert sum(sizes.values()) < 100_000
    assert {request.url.startswith(school.api.url) for request in window.requests} == {True}
