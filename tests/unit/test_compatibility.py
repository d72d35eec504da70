"""Each rule by which schemas are compared, with a change that breaks it and one that does not."""

import pytest

from rollcall_dev.compatibility.schema import Schema, read, written
from support.changes import Change, Part, after, setting

OBJECT: Part = {
    "type": "object",
    "properties": {
        "Id": {"type": "string", "minLength": 1, "maxLength": 10, "pattern": "^a", "format": "date-time"},
        "State": {"type": "string", "enum": ["in", "out"]},
        "Count": {"type": "integer", "minimum": 1, "maximum": 9},
        "Note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "Tags": {"type": "array", "items": {"$ref": "#/Tag"}, "minItems": 1, "maxItems": 3},
    },
    "required": ["Id"],
}
ROOT: Part = {"Tag": {"type": "object", "properties": {"Name": {"type": "string"}}, "required": ["Name"]}}


def _property(name: str, **values: object) -> Change:
    return setting("properties", name, **values)


CLOSED = setting(additionalProperties=False)
STATE = "State"

READ_AND_WRITTEN: list[tuple[str, Change, bool, bool]] = [
    # A change; whether it breaks what is read; whether it breaks what is written.
    ("nothing", lambda _: None, False, False),
    ("words", _property("Id", description="Who", examples=["a"], default="a"), False, False),
    ("a new property", setting("properties", Room={"type": "string"}), False, False),
    ("a property is gone", setting("properties", Note=None), True, True),
    ("a further property is required", setting(required=["Id", "Count"]), True, False),
    ("a property is required no longer", setting(required=[]), False, True),
    ("further properties are not taken", CLOSED, True, False),
    ("another type", _property("Count", type="string"), True, True),
    ("a narrower type", _property("Note", anyOf=[{"type": "string"}]), True, False),
    ("a wider type", _property("Count", type="number"), False, True),
    ("a type among others", _property("Count", type=["integer", "null"]), False, True),
    ("any type", _property("Count", type=None), False, True),
    ("one value less", _property(STATE, enum=["in"]), True, False),
    ("one value more", _property(STATE, enum=["in", "out", "away"]), False, True),
    ("any value", _property(STATE, enum=None), False, True),
    ("one value alone", _property(STATE, enum=None, const="in"), True, False),
    ("a greater least length", _property("Id", minLength=2), True, False),
    ("a smaller least length", _property("Id", minLength=0), False, True),
    ("a smaller greatest length", _property("Id", maxLength=9), True, False),
    ("a greater greatest length", _property("Id", maxLength=11), False, True),
    ("no greatest length", _property("Id", maxLength=None), False, True),
    ("a greater least number", _property("Count", minimum=2), True, False),
    ("a greater greatest number", _property("Count", maximum=10), False, True),
    ("more items at the least", _property("Tags", minItems=2), True, False),
    ("more items at the most", _property("Tags", maxItems=4), False, True),
    ("another pattern", _property("Id", pattern="^b"), True, True),
    ("no pattern", _property("Id", pattern=None), False, True),
    ("another format", _property("Id", format="email"), True, True),
    ("no format", _property("Id", format=None), False, True),
    ("a word that is not known", _property("Count", multipleOf=2), True, False),
    ("items of another type", _property("Tags", items={"type": "string"}), True, True),
    ("items of any type", _property("Tags", items=None), False, True),
]


@pytest.mark.parametrize(
    ("change", "reading", "writing"), [row[1:] for row in READ_AND_WRITTEN], ids=[row[0] for row in READ_AND_WRITTEN]
)
def test_schemas(change: Change, reading: bool, writing: bool) -> None:  # noqa: FBT001 - expected values
    old, new = Schema(OBJECT, ROOT), Schema(after(change, OBJECT), ROOT)
    assert bool(list(read(old, new, "it"))) == reading
    assert bool(list(written(old, new, "it"))) == writing


def test_schemas_behind_references_are_compared() -> None:
    old = Schema(OBJECT, ROOT)
    new = Schema(OBJECT, after(setting("Tag", "properties", Name={"type": "integer"}), ROOT))
    assert list(read(old, new, "it")) == ["it.Tags[].Name: the type is string on one side and integer on the other"]


def test_a_closed_object_takes_new_properties_and_then_needs_them() -> None:
    closed = after(CLOSED, OBJECT)
    grown = after(setting("properties", Room={"type": "string"}), closed)
    assert list(read(Schema(closed, ROOT), Schema(grown, ROOT), "it")) == []
    assert list(written(Schema(closed, ROOT), Schema(grown, ROOT), "it")) == ["it.Room is known on one side alone"]
    assert list(read(Schema(grown, ROOT), Schema(closed, ROOT), "it")) == [
        "it.Room is gone",
        "it.Room is known on one side alone",
    ]
