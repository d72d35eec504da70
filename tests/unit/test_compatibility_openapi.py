"""Each rule by which descriptions of the API are compared, with changes that break it and changes that do not."""

import pytest

from rollcall_dev.compatibility import openapi
from support.changes import Case, Change, at, check, setting

PUT = ("paths", "/Record/Update", "put")
POST = ("paths", "/Record/Updates", "post")
SCHEMAS = ("components", "schemas")
JSON = "application/json"
EMPTY = {"description": "…"}

API: list[Case] = [
    ("nothing", lambda _: None, None),
    ("a new path", setting("paths", **{"/Students": {"get": {"responses": {"200": EMPTY}}}}), None),
    ("a path is gone", setting("paths", **{"/livez": None}), "GET /livez is gone"),
    ("a new method", setting("paths", "/livez", delete={"responses": {"200": EMPTY}}), None),
    ("a method is gone", setting("paths", "/Record/Update", put=None), "PUT /Record/Update is gone"),
    (
        "a new parameter",
        lambda document: at(document, PUT)["parameters"].append(
            {"name": "dry", "in": "query", "schema": {"type": "boolean"}}
        ),
        None,
    ),
    (
        "a new parameter that is required",
        lambda document: at(document, PUT)["parameters"].append(
            {"name": "school", "in": "query", "required": True, "schema": {"type": "string"}}
        ),
        "the parameter school (query) has become required",
    ),
    ("a parameter is gone", setting(*PUT, parameters=[]), "the parameter Idempotency-Key (header) is gone"),
    (
        "a parameter has become required",
        setting("components", "parameters", "verdicts", required=True),
        "the parameter verdicts (query) has become required",
    ),
    (
        "a parameter takes less",
        setting("components", "parameters", "verdicts", "schema", enum=["rejected"]),
        "the parameter verdicts (query): ['all'] on one side alone",
    ),
    (
        "a parameter takes more",
        setting("components", "parameters", "verdicts", "schema", enum=["all", "none", "rejected"]),
        None,
    ),
    ("the body may be left out", setting(*PUT, "requestBody", required=False), None),
    (
        "a body is asked for",
        setting("paths", "/livez", "get", requestBody={"required": True, "content": {}}),
        "has become required",
    ),
    ("a body of a further type", setting(*PUT, "requestBody", "content", **{"text/csv": {"schema": {}}}), None),
    (
        "a body of one type less",
        setting(*POST, "requestBody", "content", **{"application/x-ndjson": None}),
        "the body may no longer be application/x-ndjson",
    ),
    ("the body may say more", setting(*SCHEMAS, "Update", "properties", Room={"type": "string"}), None),
    (
        "the body has to say more",
        setting(*SCHEMAS, "Update", required=["StudentId", "State", "At"]),
        "Update: the body, application/json.At is required",
    ),
    ("the body may be longer", setting(*SCHEMAS, "Update", "properties", "StudentId", maxLength=512), None),
    (
        "the body may not be as long",
        setting(*SCHEMAS, "Line", "properties", "StudentId", maxLength=100),
        "application/x-ndjson[].StudentId: maxLength",
    ),
    ("a further scope", setting(*PUT, security=[{"token": ["write", "admin"]}]), "asks for more rights"),
    (
        "a scope where there was none",
        setting("paths", "/livez", "get", security=[{"token": []}]),
        "asks for more rights",
    ),
    ("another way in", setting(*PUT, security=[{"token": ["write"]}, {"basic": []}]), None),
    ("everybody may come in", setting(*PUT, security=None), None),
    ("a new refusal", setting(*PUT, "responses", **{"418": EMPTY}), None),
    ("a refusal is gone", setting(*PUT, "responses", **{"429": None}), None),
    ("a new success", setting(*PUT, "responses", **{"202": EMPTY}), "the answer 202 is new"),
    ("a success is gone", setting(*POST, "responses", **{"207": None}), "the answer 207 is gone"),
    ("an answer says more", setting(*SCHEMAS, "Summary", "properties", Room={"type": "string"}), None),
    (
        "an answer says less",
        setting(*SCHEMAS, "Summary", "properties", Repeated=None),
        "the answer 200, application/json.Repeated is gone",
    ),
    (
        "an answer may be silent",
        setting(*SCHEMAS, "ProblemDetails", required=["type"]),
        "application/problem+json.status is required",
    ),
    (
        "an answer has a new value",
        setting(*SCHEMAS, "Acceptance", "properties", "Status", enum=["accepted", "late", "not-written", "unknown"]),
        "['late'] on one side alone",
    ),
    (
        "an answer has one value less",
        setting(*SCHEMAS, "Acceptance", "properties", "Status", enum=["accepted", "unknown"]),
        None,
    ),
    (
        "an answer of another type",
        setting(*PUT, "responses", "200", content={JSON: {"schema": {}}}),
        "is now also application/json",
    ),
    (
        "an answer of one type less",
        setting(*POST, "responses", "207", "content", **{JSON: None}),
        "is no longer application/json",
    ),
    ("a new header", setting(*PUT, "responses", "200", "headers", Age={"schema": {"type": "integer"}}), None),
    ("a header is gone", setting(*PUT, "responses", "200", headers={}), "the header X-Rollcall-Id is gone"),
    (
        "a header may be missing",
        setting("components", "headers", "X-Rollcall-Id", required=False),
        "the header X-Rollcall-Id may be missing",
    ),
    (
        "a header of another type",
        setting("components", "headers", "Retry-After", schema={"type": "string"}),
        "the header Retry-After: the type is string on one side and integer on the other",
    ),
]


@pytest.mark.parametrize(("change", "breach"), [row[1:] for row in API], ids=[row[0] for row in API])
def test_notices_what_callers_would_trip_over(change: Change, breach: str | None) -> None:
    check("openapi.json", openapi.breaches, change, breach)
