"""Places in the log as arguments of commands."""

from datetime import UTC, datetime

import click

from rollcall_domain.place import Place, parse_place


class PlaceType(click.ParamType[Place]):
    """beginning, latest, a span back such as -2m, or a time in ISO 8601."""

    name = "place"

    def convert(self, value: str | Place, param: click.Parameter | None, ctx: click.Context | None) -> Place:
        """Read a place."""
        if not isinstance(value, str):
            return value
        try:
            return parse_place(value, datetime.now(UTC))
        except ValueError as error:
            self.fail(str(error), param, ctx)
