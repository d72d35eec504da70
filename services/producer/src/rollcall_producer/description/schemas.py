"""JSON Schemas of msgspec types, in the words of their docstrings."""

import re
from collections.abc import Iterable, Sequence
from inspect import getdoc
from typing import Any

import msgspec
from msgspec import UNSET

Schema = dict[str, Any]

REFERENCE = "#/components/schemas/{name}"
"""Where OpenAPI and AsyncAPI have schemas."""

_ATTRIBUTE = re.compile(r"^    (\w+): (.+(?:\n      +.+)*)", re.MULTILINE)
_CODE = re.compile(r"`(\w+)`")


def read(types: Sequence[type]) -> dict[str, Schema]:
    """Describe what is read from others.

    Args:
        types: Structs, and enumerations that they use.

    Returns:
        Schemas by the names of the types, which refer to each other by `REFERENCE`.
    """
    _, schemas = msgspec.json.schema_components(types, ref_template=REFERENCE)
    for kind in types:
        _explain(schemas[kind.__name__], kind)
    _settle(schemas)
    return schemas


def written(types: Sequence[type]) -> dict[str, Schema]:
    """Describe what is written for others, as `read` does: what has a default when read is always there."""
    schemas = read(types)
    for kind in types:
        if issubclass(kind, msgspec.Struct):
            schemas[kind.__name__]["required"] = [
                field.encode_name for field in msgspec.structs.fields(kind) if _is_always_written(field, kind)
            ]
            for schema in schemas[kind.__name__]["properties"].values():
                schema.pop("default", None)
    return schemas


def _is_always_written(field: msgspec.structs.FieldInfo, kind: type[msgspec.Struct]) -> bool:
    return field.required or not (field.default is UNSET or kind.__struct_config__.omit_defaults)


def _explain(schema: Schema, kind: type) -> None:
    """Describe a type and its properties as its docstring does."""
    summary, _, attributes = (getdoc(kind) or "").partition("\n\nAttributes:\n")
    schema["description"] = " ".join(summary.split())
    if not issubclass(kind, msgspec.Struct):
        return
    fields = msgspec.structs.fields(kind)
    names = {field.name: field.encode_name for field in fields}
    for name, meaning in _ATTRIBUTE.findall(attributes):
        said = _CODE.sub(lambda code: f"`{names.get(code[1], code[1])}`", " ".join(meaning.split()))
        schema["properties"][names[name]].setdefault("description", said)
    for field in fields:
        if field.default is None:
            schema["properties"][field.encode_name].pop("default", None)  # that of null says nothing


def _settle(schema: object) -> None:
    """Say in JSON Schema's own words what msgspec leaves out, or says in Python's."""
    if isinstance(schema, dict):
        if isinstance(schema.get("enum"), list):
            schema.setdefault("type", "integer" if isinstance(schema["enum"][0], int) else "string")
        if isinstance(schema.get("pattern"), str):
            schema["pattern"] = schema["pattern"].replace(r"\Z", "$")
        _settle(schema.values())
    elif isinstance(schema, Iterable) and not isinstance(schema, str):
        for part in schema:
            _settle(part)
