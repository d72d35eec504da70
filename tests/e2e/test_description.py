"""The API's description as it is served: to programs, and to people."""

import re
from base64 import b64encode
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from rollcall_producer.description.openapi import document
from rollcall_producer.tokens import Scope, make_token
from support.outline import Outline
from support.services import Environment, producer

AWAY = Environment("127.0.0.1:1", "")
"""Where there is no Kafka: the description does not need it."""


@pytest.fixture(params=[False, True], ids=["open", "guarded"])
async def api(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[bool, httpx.AsyncClient]]:
    """An API, and whether it asks for tokens; the client has none."""
    guarded: bool = request.param
    _, line = make_token("reader", [Scope.READ], None)
    (tmp_path / "tokens").write_text(line)
    settings = {"tokens_file": tmp_path / "tokens"} if guarded else {}
    async with producer(AWAY, views=True, **settings) as service:
        await service.event(lambda event: event["event"] == "Serving HTTP")
        async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
            yield guarded, client


@pytest.mark.parametrize("path", ["/openapi.json", "/docs"])
async def test_the_description_is_served_to_everybody_and_once(api: tuple[bool, httpx.AsyncClient], path: str) -> None:
    guarded, client = api
    answer = await client.get(path)
    assert answer.status_code == 200
    if path == "/openapi.json":
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.json() == document(guarded=guarded)
    etag = answer.headers["ETag"]
    for known in (etag, f'"another", W/{etag}', "*"):
        again = await client.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
        assert "Content-Type" not in again.headers
    assert (await client.get(path, headers={"If-None-Match": '"another"'})).content == answer.content
    head = await client.head(path)
    assert (head.status_code, head.content, head.headers["Content-Length"]) == (200, b"", str(len(answer.content)))
    assert (await client.put(path)).status_code == 405


async def test_the_page_needs_nothing_from_elsewhere_and_forbids_it(api: tuple[bool, httpx.AsyncClient]) -> None:
    _, client = api
    answer = await client.get("/docs")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    outline = Outline(answer.text)
    assert outline.foreign == []
    assert "openapi.json" in outline.links
    assert all(link.startswith("#") or link == "openapi.json" for link in outline.links)
    (style,) = outline.styles
    assert not re.search(r"url\(|@import", style)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


async def test_what_needs_a_token_is_what_the_description_says(api: tuple[bool, httpx.AsyncClient]) -> None:
    _, client = api
    for path, methods in (await client.get("/openapi.json")).json()["paths"].items():
        for method, operation in methods.items():
            async with client.stream(method, path) as answer:  # one of them has no end
                assert (answer.status_code == 401) == ("security" in operation), (method, path)
