"""Options that say which dead letters are wanted."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import click

from rollcall_consumer.commands.places import PlaceType
from rollcall_consumer.dead import Selection
from rollcall_domain.errors import Reason
from rollcall_domain.place import Edge, Place

C = TypeVar("C", bound=Callable[..., Any])


class _ConditionType(click.ParamType[tuple[str, str]]):
    name = "condition"

    def convert(
        self, value: str | tuple[str, str], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        if not isinstance(value, str):
            return value
        name, equals, wanted = value.partition("=")
        if not equals or name not in ("reason", "topic"):
            self.fail(f"{value!r} is neither reason=… nor topic=…", param, ctx)
        if name == "reason" and wanted not in [*Reason]:
            self.fail(f"there is no reason {wanted!r}; there are {', '.join(Reason)}", param, ctx)
        return name, wanted


def selecting(command: C) -> C:
    """Give a command the options that `selection` takes."""
    for option in (
        click.option(
            "--until", type=PlaceType(), help="of those only whose record is from before this time, as in --since"
        ),
        click.option(
            "--since",
            type=PlaceType(),
            help="of those only whose record is from this time on: a span back such as -2h, or 2026-11-23T10:00Z",
        ),
        click.option("--student", help="of this StudentId only, by key or by value"),
        click.option(
            "--where",
            "conditions",
            type=_ConditionType(),
            multiple=True,
            help=f"reason=R, one of {', '.join(Reason)}; or topic=T, where the record lay",
        ),
    ):
        command = option(command)
    return command


def selection(
    conditions: Sequence[tuple[str, str]],
    student: str | None,
    since: Place | None,
    until: Place | None,
    *,
    redriven: bool = False,
) -> Selection:
    """Make of the options what they mean.

    Raises:
        BadParameter: They contradict each other, or say no time where one is to be.
    """
    where = dict(conditions)
    if len(where) < len(conditions):
        raise click.BadParameter("a letter has one reason and one topic; run it once for each", param_hint="--where")
    reason = where.get("reason")
    return Selection(
        reason=None if reason is None else Reason(reason),
        topic=where.get("topic"),
        student=student,
        since=_time("--since", since),
        until=_time("--until", until),
        redriven=redriven,
    )


def _time(option: str, place: Place | None) -> datetime | None:
    if isinstance(place, Edge):
        raise click.BadParameter(f"{place.value} is no time", param_hint=option)
    return place
