"""Schemas, compared by what they admit. Errs on the side of saying that something is broken."""

from collections.abc import Iterator
from typing import Any, NamedTuple

Part = dict[str, Any]

_ANNOTATIONS = {"title", "description", "examples", "default", "deprecated", "$comment"}
_CHOICES = ("anyOf", "oneOf")
_LEAST = ("minLength", "minItems", "minimum", "exclusiveMinimum")
_MOST = ("maxLength", "maxItems", "maximum", "exclusiveMaximum")
_TREATED = {
    "type",
    "enum",
    "const",
    "properties",
    "required",
    "additionalProperties",
    "items",
    *_CHOICES,
    *_LEAST,
    *_MOST,
}
_PLAIN = {"integer": "number"}


class Schema(NamedTuple):
    """A schema in its document.

    Attributes:
        part: The schema.
        root: The document, for references.
    """

    part: Part
    root: Part

    def resolved(self) -> "Schema":
        """Follow references."""
        part = self.part
        while "$ref" in part:
            part = resolve(part["$ref"], self.root)
        return Schema(part, self.root)

    def at(self, part: Part) -> "Schema":
        """Give another schema of the same document, with its references followed."""
        return Schema(part, self.root).resolved()

    def choices(self) -> list["Schema"]:
        """Give the schemas one of which a value has to meet."""
        for key in _CHOICES:
            if key in self.part:
                rest = {name: value for name, value in self.part.items() if name != key}
                return [
                    choice for part in self.part[key] for choice in self.at({**self.at(part).part, **rest}).choices()
                ]
        if isinstance(self.part.get("type"), list):
            return [Schema({**self.part, "type": kind}, self.root) for kind in self.part["type"]]
        return [self]


def resolve(reference: str, root: Part) -> Part:
    """Find what a reference within a document leads to."""
    found: Any = root
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    assert isinstance(found, dict)  # noqa: S101 - for the type alone
    return found


def read(old: Schema, new: Schema, path: str) -> Iterator[str]:
    """Tell what was valid and no longer is, of what is read from others."""
    yield from _removed(old.resolved(), new.resolved(), path)
    yield from _refused(old.resolved(), new.resolved(), path)


def written(old: Schema, new: Schema, path: str) -> Iterator[str]:
    """Tell what readers relied on and no longer can, of what is written for others."""
    yield from _removed(old.resolved(), new.resolved(), path)
    yield from _refused(new.resolved(), old.resolved(), path)


def _removed(old: Schema, new: Schema, path: str) -> Iterator[str]:
    """Find properties that are declared no longer."""
    was, now = old.part.get("properties", {}), new.part.get("properties", {})
    for name, part in was.items():
        if name not in now:
            yield f"{path}.{name} is gone"
        else:
            yield from _removed(old.at(part), new.at(now[name]), f"{path}.{name}")
    if "items" in old.part and "items" in new.part:
        yield from _removed(old.at(old.part["items"]), new.at(new.part["items"]), f"{path}[]")


def _refused(given: Schema, taker: Schema, path: str) -> Iterator[str]:
    """Tell what one schema admits and another does not."""
    takers = taker.choices()
    for choice in given.choices():
        faults = [list(_refused_alone(choice, alternative, path)) for alternative in takers]
        if all(faults):
            yield from min(faults, key=len)


def _refused_alone(given: Schema, taker: Schema, path: str) -> Iterator[str]:
    a, b = given.part, taker.part
    kind = b.get("type")
    if kind is not None and a.get("type") != kind and _PLAIN.get(a.get("type", "")) != kind:
        yield f"{path}: the type is {a.get('type', 'any')} on one side and {kind} on the other"
    yield from _refused_values(a, b, path)
    yield from _refused_bounds(a, b, path)
    yield from _refused_properties(given, taker, path)
    if "items" in b:
        yield from _refused(given.at(a.get("items", {})), taker.at(b["items"]), f"{path}[]")
    for keyword in sorted(set(b) - _TREATED - _ANNOTATIONS):
        if a.get(keyword) != b[keyword]:
            yield f"{path}: {keyword} {b[keyword]!r} does not hold on both sides"


def _values(part: Part) -> list[object] | None:
    """List all values that a schema admits, or None if it does not list them."""
    return [part["const"]] if "const" in part else part.get("enum")


def _refused_values(a: Part, b: Part, path: str) -> Iterator[str]:
    given, taken = _values(a), _values(b)
    if taken is None:
        return
    if given is None:
        yield f"{path}: any value on one side, and only {taken} on the other"
    elif any(value not in taken for value in given):
        yield f"{path}: {[value for value in given if value not in taken]} on one side alone"


def _refused_bounds(a: Part, b: Part, path: str) -> Iterator[str]:
    for keyword in _LEAST:
        if keyword in b and a.get(keyword, float("-inf")) < b[keyword]:
            yield f"{path}: {keyword} is {a.get(keyword, 'none')} on one side and {b[keyword]} on the other"
    for keyword in _MOST:
        if keyword in b and a.get(keyword, float("inf")) > b[keyword]:
            yield f"{path}: {keyword} is {a.get(keyword, 'none')} on one side and {b[keyword]} on the other"


def _refused_properties(given: Schema, taker: Schema, path: str) -> Iterator[str]:
    a, b = given.part, taker.part
    for name in sorted(set(b.get("required", [])) - set(a.get("required", []))):
        yield f"{path}.{name} is required on one side alone"
    closed = b.get("additionalProperties") is False
    if closed and a.get("additionalProperties") is not False:
        yield f"{path}: further properties are taken on one side alone"
    taken = b.get("properties", {})
    for name, part in a.get("properties", {}).items():
        if name in taken:
            yield from _refused(given.at(part), taker.at(taken[name]), f"{path}.{name}")
        elif closed:
            yield f"{path}.{name} is known on one side alone"
