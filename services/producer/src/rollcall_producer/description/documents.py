"""What is served as it is, in OpenAPI's words: the description, and the page with its files."""

from rollcall_producer.description.components import Described, content, headers, parameters
from rollcall_producer.description.operation import HTML, JSON, Operation
from rollcall_producer.kinds import Kind
from rollcall_producer.page.routes import CSS, FILE_ROUTE, PAGE_ROUTE, SCRIPT, SVG

_TEXT: Described = {"type": "string"}

_NOT_MODIFIED: Described = {"description": "The document is the one that the caller has.", "headers": headers("ETag")}


def _document(
    identity: str, summary: str, tag: str, bodies: Described, *named: str, problems: tuple[Kind, ...] = ()
) -> Operation:
    """Describe what is served as it is.

    Args:
        identity: The operation's id.
        summary: What it is.
        tag: What it belongs to.
        bodies: Schemas by media types.
        named: Further parameters.
        problems: Further kinds of problem.
    """
    return Operation(
        {
            "operationId": identity,
            "summary": summary,
            "tags": [tag],
            "parameters": parameters(*named, "If-None-Match"),
            "responses": {
                "200": {"description": "The document.", "headers": headers("ETag"), "content": bodies},
                "304": _NOT_MODIFIED,
            },
        },
        problems=(*problems, "too-many-connections"),
    )


DESCRIPTION: dict[tuple[str, str], Operation] = {
    ("GET", "/openapi.json"): _document(
        "getDescription", "This description", "Description", content(JSON, {"type": "object"})
    ),
    ("GET", "/docs"): _document("getDocs", "This description, for people", "Description", content(HTML, _TEXT)),
}
"""Each method of each path that describes the API."""

PAGE: dict[tuple[str, str], Operation] = {
    ("GET", PAGE_ROUTE): _document("getPage", "The page that shows what happens", "Page", content(HTML, _TEXT)),
    ("GET", FILE_ROUTE): _document(
        "getPageFile",
        "A file of the page",
        "Page",
        {**content(SCRIPT, _TEXT), **content(CSS, _TEXT), **content(SVG, _TEXT)},
        "file",
        problems=("not-found",),
    ),
}
"""Each method of each path of the page."""
