"""The API's description as a page for people: made once, on the server, and free of scripts."""

import json
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from importlib.resources import files
from shlex import quote
from typing import Any

from rollcall_producer.description.html import Html, code, joined, prose, scrolled, section, tag, term
from rollcall_producer.problems import MEDIA_TYPE as PROBLEM

Part = dict[str, Any]
"""A part of an OpenAPI document."""

_STYLE = files(__package__ or "").joinpath("page.css").read_text("utf-8")

_POLICY = "; ".join(
    (
        "default-src 'none'",
        f"style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

HEADERS = {"Content-Security-Policy": _POLICY, "Referrer-Policy": "no-referrer"}
"""The page may use its own style, and nothing else."""

_BREAK = " \\\n     "
"""A line's end within a command."""


def page(document: Part) -> str:
    """Show an OpenAPI document as a page."""
    return "<!doctype html>\n" + _Page(document).whole()


class _Page:
    def __init__(self, document: Part) -> None:
        self._document = document
        self._operations = [
            (method.upper(), path, operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        ]

    def whole(self) -> Html:
        info = self._document["info"]
        head = tag(
            "head",
            Html('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
            tag("title", f"{info['title']} {info['version']}: API"),
            tag("style", Html(_STYLE)),
        )
        skip = tag("a", "Skip to the operations", href="#main", class_="skip")
        operations = (self._operation(*operation) for operation in self._operations)
        main = tag("main", self._calling(), *operations, self._types(), self._problems(), id="main")
        return tag("html", head, tag("body", skip, self._header(), self._contents(), main), lang="en")

    def _header(self) -> Html:
        info = self._document["info"]
        source = tag("a", "openapi.json", href="openapi.json")
        return tag(
            "header",
            tag("h1", info["title"], " ", tag("small", info["version"])),
            tag("p", prose(info["summary"])),
            tag("p", prose(info["description"])),
            tag("p", "For programs: ", source, f", OpenAPI {self._document['openapi']}."),
        )

    def _contents(self) -> Html:
        links = [
            tag("a", tag("code", f"{method} {path}"), href=f"#{operation['operationId']}")
            for method, path, operation in self._operations
        ]
        links += [tag("a", title, href=f"#{title.lower()}") for title in ("Types", "Problems")]
        return tag("nav", tag("ul", *(tag("li", link) for link in links)), aria_label="Contents")

    def _calling(self) -> Html:
        schemes = self._document["components"].get("securitySchemes", {}).values()
        variables = ["API=http://localhost:8000", *("TOKEN=rollcall_…" for _ in schemes)]
        return section(
            "calling",
            "Calling it",
            tag("p", "The calls on this page take from the shell where the service is to be found:"),
            code("\n".join(variables), "Variables of the calls"),
            *(tag("p", prose(scheme["description"])) for scheme in schemes),
        )

    def _operation(self, method: str, path: str, operation: Part) -> Html:
        scopes = [scope for needed in operation.get("security", []) for found in needed.values() for scope in found]
        parameters = [self._parameter(self._resolve(parameter)) for parameter in operation.get("parameters", [])]
        bodies = operation.get("requestBody", {}).get("content", {})
        return section(
            operation["operationId"],
            tag("code", tag("b", method), " ", path),
            tag("p", tag("strong", operation["summary"]), "."),
            *([tag("p", prose(operation["description"]))] if "description" in operation else []),
            *([tag("p", "Needs a token with the scope ", tag("code", *scopes), ".")] if scopes else []),
            *_titled("Parameters", [tag("dl", *parameters)] if parameters else []),
            *_titled("Body", [self._body(kind, body) for kind, body in bodies.items()]),
            *_titled("Call", [code(call, f"{method} {path} with curl") for call in _calls(method, path, operation)]),
            *_titled("Answers", [self._answer(*answer) for answer in sorted(operation["responses"].items())]),
        )

    def _parameter(self, parameter: Part) -> Html:
        where = f" ({parameter['in']}, "
        kind = self._kind(parameter["schema"])
        return term(tag("code", parameter["name"]), where, kind, ")", meaning=parameter["description"])

    def _body(self, media_type: str, body: Part) -> Html:
        return tag("p", tag("code", media_type), ": ", self._kind(body["schema"]))

    def _answer(self, status: str, response: Part) -> Html:
        said = tag("code", status), " ", prose(response["description"])
        headers = [
            term(tag("code", name), " (header)", meaning=self._resolve(header)["description"])
            for name, header in response.get("headers", {}).items()
        ]
        parts = [tag("dl", *headers)] if headers else []
        for media_type, body in response.get("content", {}).items():
            parts.append(self._body(media_type, body))
            for name, example in body.get("examples", {}).items():
                parts.append(code(_text(media_type, example["value"]), f"Answer {status}, {name}"))
        return tag("details", tag("summary", *said), *parts) if parts else tag("p", *said, class_="bare")

    def _types(self) -> Html:
        types = [self._type(*named) for named in self._document["components"]["schemas"].items()]
        return section("types", "Types", *types)

    def _type(self, name: str, schema: Part) -> Html:
        heading = f"type-{name}"
        properties = [
            term(
                tag("code", key),
                " (",
                self._kind(value),
                ")" if key in schema["required"] else ", optional)",
                meaning=value.get("description", ""),
            )
            for key, value in schema["properties"].items()
        ]
        said = tag("h3", name, id=heading), tag("p", prose(schema["description"]))
        return tag("article", *said, tag("dl", *properties), aria_labelledby=heading)

    def _problems(self) -> Html:
        rows = [
            tag("tr", tag("th", tag("code", kind), scope="row"), tag("td", status), tag("td", detail))
            for kind, status, detail in sorted(self._examples())
        ]
        head = tag("tr", *(tag("th", title, scope="col") for title in ("type ends in", "status", "for example")))
        table = tag("table", tag("thead", head), tag("tbody", *rows))
        return section("problems", "Problems", scrolled(table, "Problems"))

    def _examples(self) -> set[tuple[str, str, str]]:
        """Gather an example of each kind of problem: its kind, status and detail."""
        responses = [response for _, _, operation in self._operations for response in operation["responses"].values()]
        responses += self._document["components"]["responses"].values()
        return {
            (kind, str(example["value"]["status"]), example["value"]["detail"])
            for response in responses
            for kind, example in response.get("content", {}).get(PROBLEM, {}).get("examples", {}).items()
        }

    def _resolve(self, part: Part) -> Part:
        if "$ref" not in part:
            return part
        found = self._document
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return found

    def _kind(self, schema: Part) -> Html:
        """Say in a few words what a schema asks for."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return tag("a", name, href=f"#type-{name}")
        if "anyOf" in schema:
            return joined([self._kind(choice) for choice in schema["anyOf"]], " or ")
        if "enum" in schema:
            return joined([tag("code", json.dumps(value)) for value in schema["enum"]], " or ")
        if schema["type"] == "array":
            return joined(("array of ", self._kind(schema["items"])))
        return joined((str(schema.get("format", schema["type"])),))


def _titled(title: str, parts: list[Html]) -> list[Html]:
    return [tag("h3", title), *parts] if parts else []


def _text(media_type: str, value: object) -> str:
    """Write an example as it travels, or so that it can be read."""
    if media_type.endswith("ndjson") and isinstance(value, list):
        return "\n".join(json.dumps(line, ensure_ascii=False) for line in value)
    return json.dumps(value, indent=2, ensure_ascii=False)


def _calls(method: str, path: str, operation: Part) -> Iterator[str]:
    """Give calls of an operation, one for each type of body, as a shell takes them."""
    parts = [f'curl -i "$API{path}"' if method == "GET" else f'curl -i -X {method} "$API{path}"']
    if "security" in operation:
        parts.append('-H "Authorization: Bearer $TOKEN"')
    bodies = operation.get("requestBody", {}).get("content", {})
    if not bodies:
        yield _BREAK.join(parts)
    for media_type, body in bodies.items():
        value = next(iter(body["examples"].values()))["value"]
        text = _text(media_type, value) if media_type.endswith("ndjson") else json.dumps(value)
        yield _BREAK.join([*parts, f"-H {quote(f'Content-Type: {media_type}')}", f"--data-binary {quote(text)}"])
