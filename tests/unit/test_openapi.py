import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import jsonschema_rs
import pytest

from rollcall_domain.service.settings import load
from rollcall_producer import cors
from rollcall_producer.access import Access
from rollcall_producer.app import routes
from rollcall_producer.description import examples, page
from rollcall_producer.description.openapi import document
from rollcall_producer.description.operations import REASONS
from rollcall_producer.description.reading import READS
from rollcall_producer.kinds import Kind
from rollcall_producer.settings import ProducerSettings
from rollcall_producer.shown import Shown
from support.outline import Outline

Part = dict[str, Any]

OPEN, GUARDED = document(guarded=False), document(guarded=True)


def _nodes(part: object) -> Iterator[Part]:
    if isinstance(part, dict):
        yield part
        part = list(part.values())
    if isinstance(part, list):
        for child in part:
            yield from _nodes(child)


def _kinds(described: Part) -> set[str]:
    return {kind for node in _nodes(described) for kind in node.get("application/problem+json", {}).get("examples", {})}


async def _nowhere(*_: object) -> None:
    """Stand for an endpoint: routes are all that is looked at."""


async def test_every_route_is_described_and_nothing_else() -> None:
    shown = Shown(load(ProducerSettings, {}), Path("view.sqlite"))
    served = {
        (method.lower(), route.path)
        for route in routes(_nowhere, _nowhere, lambda: None, Access(None), shown.routes(Access(None)))
        for method in route.methods or ()
        if method != "HEAD"  # what takes GET takes HEAD
    }
    described = {(method, path) for path, methods in OPEN["paths"].items() for method in methods}
    assert described == served


def test_there_is_an_example_of_every_kind_of_problem_and_the_description_shows_it() -> None:
    kinds = set(get_args(Kind))
    assert set(examples.PROBLEMS) == kinds
    assert _kinds(GUARDED) | set(REASONS) == kinds
    assert set(re.findall(r"urn:rollcall:problem:([a-z-]+)", str(GUARDED))) == kinds - {"line-too-large"}


def test_access_is_described_where_tokens_are_on_alone() -> None:
    assert "securitySchemes" not in OPEN["components"]
    assert not [node for node in _nodes(OPEN) if "security" in node or "401" in node or "403" in node]
    needed = {
        (method, path): operation.get("security")
        for path, methods in GUARDED["paths"].items()
        for method, operation in methods.items()
    }
    assert {key: value for key, value in needed.items() if value is not None} == {
        ("put", "/Record/Update"): [{"token": ["write"]}],
        ("post", "/Record/Updates"): [{"token": ["write"]}],
        **{("get", path): [{"token": ["read"]}] for path in ("/metrics", *(path for _, path in READS))},
    }


@pytest.mark.parametrize("described", [OPEN, GUARDED])
def test_references_lead_somewhere_and_schemas_are_schemas(described: Part) -> None:
    for node in _nodes(described):
        if "$ref" in node:
            found: Any = described
            for step in node["$ref"].removeprefix("#/").split("/"):
                found = found[step]
        if isinstance(node.get("schema"), dict):
            jsonschema_rs.meta.validate(node["schema"])
    for schema in described["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)


def test_every_example_is_valid() -> None:
    shown = 0
    for node in _nodes(GUARDED):
        if isinstance(node.get("schema"), dict):
            validator = jsonschema_rs.Draft202012Validator(
                {**node["schema"], "components": GUARDED["components"]}, validate_formats=True
            )
            values = [*node["schema"].get("examples", [])]
            values += [example["value"] for example in node.get("examples", {}).values()]
            for value in values:
                shown += 1
                validator.validate(value)
    assert shown > len(get_args(Kind))


def test_pages_of_other_origins_may_send_and_see_every_header() -> None:
    parameters = {
        name for name, parameter in GUARDED["components"]["parameters"].items() if parameter["in"] == "header"
    }
    of_browsers = {"If-None-Match"}  # which browsers send by themselves
    assert parameters - of_browsers <= set(cors.REQUEST_HEADERS)
    assert set(GUARDED["components"]["headers"]) - {"ETag"} <= set(cors.ANSWER_HEADERS)


def test_every_property_and_parameter_says_what_it_is() -> None:
    schemas = GUARDED["components"]["schemas"]
    silent = [
        f"{name}.{key}"
        for name, schema in schemas.items()
        for key, value in schema["properties"].items()
        if not value.get("description")
    ]
    assert silent == []
    assert all(schema["description"] for schema in schemas.values())
    assert all(parameter["description"] for parameter in GUARDED["components"]["parameters"].values())


@pytest.mark.parametrize("described", [OPEN, GUARDED])
def test_the_page_shows_all_and_is_easy_to_move_around_in(described: Part) -> None:
    outline = Outline(page.page(described))
    assert len(outline.ids) == len(set(outline.ids))
    assert {link.removeprefix("#") for link in outline.links if link.startswith("#")} <= set(outline.ids)
    operations = {operation["operationId"] for methods in described["paths"].values() for operation in methods.values()}
    assert {*operations, *(f"type-{name}" for name in described["components"]["schemas"])} <= set(outline.ids)
    assert outline.headings[0] == 1
    assert outline.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(outline.headings, outline.headings[1:], strict=False))
    assert outline.landmarks >= {"header", "nav", "main"}
    assert outline.language == "en"
    assert outline.unnamed_groups == 0
    for kind in _kinds(described):
        assert kind in outline.text


def test_the_page_escapes_what_it_shows() -> None:
    described = document(guarded=False)
    described["info"]["summary"] = "<script>alert('&')</script>"
    described["components"]["schemas"]["Update"]["properties"]['"><b>'] = {"type": "string", "description": "`<i>`"}
    shown = page.page(described)
    assert "<script" not in shown
    assert "<i>" not in shown
    assert '"><b>' not in shown
