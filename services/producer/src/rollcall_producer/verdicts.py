"""What became of many lines: each by itself, and all together."""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

SHOWN_REJECTIONS = 1000
"""Rejections that a summary shows."""


class Rejection(msgspec.Struct, rename="pascal", kw_only=True):
    """A line that was not taken.

    Attributes:
        line: Its number, from 1.
        status: That it was rejected.
        reason: What is wrong with it, for programs: the last part of the type that the same problem of a PUT has.
        detail: What is wrong with it, for people.
        field: The property at fault, if there is one.
    """

    line: int
    status: Literal["rejected"] = "rejected"
    reason: str
    detail: str
    field: str | UnsetType = UNSET


class Acceptance(msgspec.Struct, rename="pascal", kw_only=True, gc=False):
    """A line that was fine.

    Attributes:
        line: Its number, from 1.
        status: Whether it is durable, or what is known of it otherwise.
        id: The record's id.
    """

    line: int
    status: Literal["accepted", "not-written", "unknown"]
    id: str


class Summary(msgspec.Struct, rename="pascal", kw_only=True):
    """What became of all lines.

    Attributes:
        accepted: Lines that are durable, up to `durable_through`.
        repeated: Those of them that had been accepted before, by their Id, and were not written again.
        rejected: Lines that were at fault.
        durable_through: The number of a line: it and all before it are durable, or rejected, or blank.
        rejections: The first 1,000 lines that were at fault.
    """

    accepted: int = 0
    repeated: int = 0
    rejected: int = 0
    durable_through: int = 0
    rejections: list[Rejection] = []
