"""How the page and its files are served; what it does is asked of a browser."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from rollcall_producer.tokens import Scope, make_token
from support.services import Environment, producer

AWAY = Environment("127.0.0.1:1", "")
"""Where there is no Kafka: the page is served without it."""


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """One without a token, of an API that asks for them."""
    _, line = make_token("reader", [Scope.READ], None)
    (tmp_path / "tokens").write_text(line)
    async with producer(AWAY, views=True, tokens_file=tmp_path / "tokens") as service:
        await service.event(lambda event: event["event"] == "Serving HTTP")
        async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
            yield client


def _named(html: str) -> list[str]:
    return re.findall(r'(?:href|src)="(page/[^"]+)"', html)


async def test_the_page_may_use_its_own_files_and_nothing_else(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! type=\"module\" src=)|https?://", answer.text)


async def test_every_file_is_served_once_to_everybody(client: httpx.AsyncClient) -> None:
    page = (await client.get("/")).text
    kinds = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
    for path in ["", *_named(page)]:
        answer = await client.get(f"/{path}")
        assert answer.status_code == 200, path
        assert answer.headers["Cache-Control"] == "no-cache"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        if path:
            assert answer.headers["Content-Type"] == kinds[Path(path).suffix]
        again = await client.get(f"/{path}", headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")


async def test_the_page_names_every_module_so_that_none_has_to_wait_for_another(client: httpx.AsyncClient) -> None:
    named = _named((await client.get("/")).text)
    for path in [path for path in named if path.endswith(".js")]:
        imported = re.findall(r'from "\./([^"]+)"', (await client.get(f"/{path}")).text)
        assert {f"page/{name}" for name in imported} <= {*named}


@pytest.mark.parametrize("name", ["index.html", "routes.py", "__init__.py", "none.js", "..%2fapp.py", "%00"])
async def test_there_are_no_other_files(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(f"/page/{name}")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:rollcall:problem:not-found")
