"""An API that asks for tokens, and a page that asks people for them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from rollcall_producer.tokens import Scope, make_token
from support.school import School, school
from support.services import Environment
from support.windows import Windows

Guarded = tuple[School, str, str]
"""A school, a token that may read, and one that may do all."""


@pytest.fixture
async def guarded(environment: Environment, tmp_path: Path) -> AsyncIterator[Guarded]:
    (reader, line), (admin, other) = (
        make_token(name, [scope], None) for name, scope in (("reader", Scope.READ), ("admin", Scope.ADMIN))
    )
    (tmp_path / "tokens").write_text(f"{line}\n{other}\n")
    async with school(environment, tokens_file=tmp_path / "tokens") as running:
        yield running, reader, admin


async def test_a_token_is_asked_for_and_kept_in_the_tab_alone(guarded: Guarded, windows: Windows) -> None:
    running, reader, admin = guarded
    window = await windows.open(running.api.url)
    dialog = window.page.get_by_role("dialog", name="A token is needed")
    field = dialog.get_by_label("Token", exact=True)
    await expect(field).to_be_focused()
    await expect(window.page.locator("#token-why")).to_contain_text("token")
    await window.has("A token is needed")
    await field.fill("rollcall_wrong")
    await field.press("Enter")
    await expect(window.page.locator("#token-why")).to_contain_text("token")
    await expect(dialog).to_be_visible()
    await dialog.get_by_role("button", name="Not now").click()
    await window.page.get_by_role("button", name="Enter a token").click()
    await field.fill(reader)
    await field.press("Enter")
    await window.has("Live")
    await expect(dialog).to_be_hidden()
    await window.send("s-1")
    await expect(dialog).to_be_visible()
    await expect(window.page.locator("#update-result")).to_contain_text("write")
    await field.fill(admin)
    await field.press("Enter")
    await window.has("Live")
    await window.page.get_by_role("button", name="Send").click()
    await window.has_rows("roster", ["s-1"])
    await window.page.reload()
    await window.has("Live")
    kept = await window.page.evaluate("[localStorage.length, document.cookie, Object.values(sessionStorage)]")
    assert kept == [0, "", [admin]]
    assert not [request.url for request in window.requests if "rollcall_" in request.url]
    other = await windows.open(running.api.url)
    await other.has("A token is needed")
    assert len(other.asked("/Pipeline")) <= 1
