"""Documents that are changed, to see whether the change is noticed."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from rollcall_dev import describe

Part = dict[str, Any]
Change = Callable[[Part], None]
Case = tuple[str, Change, str | None]
"""What is changed, and of what breaks it a part of what has to be said."""


def setting(*path: str, **values: object) -> Change:
    """Change a part of a document; None takes a key out."""

    def change(part: Part) -> None:
        for step in path:
            part = part[step]
        for key, value in values.items():
            if value is None:
                del part[key]
            else:
                part[key] = value

    return change


def after(change: Change, part: Part) -> Part:
    """Change a copy."""
    changed = deepcopy(part)
    change(changed)
    return changed


def at(part: Part, path: tuple[str, ...]) -> Part:
    """Find a part of a document."""
    for step in path:
        part = part[step]
    return part


def check(name: str, compare: Callable[[Part, Part], list[str]], change: Change, breach: str | None) -> None:
    """Change one of our documents, and compare it with what it was."""
    old = json.loads(describe.text(name))
    found = compare(old, after(change, old))
    if breach is None:
        assert found == []
    else:
        assert any(breach in said for said in found), found
