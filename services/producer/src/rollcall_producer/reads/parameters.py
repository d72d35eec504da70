"""What a request asks for behind the question mark: each parameter known, and as it has to be."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import NamedTuple, TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Scope

from rollcall_domain.events import State
from rollcall_domain.place import Edge, Place, parse_place, parse_span
from rollcall_producer.problems import SHOWN, Problem

T = TypeVar("T")

MILLISECOND = timedelta(milliseconds=1)

LIMIT = 100
"""Items of a page, if nothing else is said."""

MOST = 1000
"""Items of a page at the most."""

_POSITION = re.compile(r"(\d{1,5})@(\d{1,18})")
_NUMBER = re.compile(r"\d{1,9}")


class Position(NamedTuple):
    """A place in the topic Student.

    Attributes:
        partition: The partition.
        offset: The offset there.
    """

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}@{self.offset}"


def fault(name: str, detail: str) -> Problem:
    """Build the problem of a parameter that is at fault."""
    return Problem(HTTPStatus.BAD_REQUEST, "invalid-parameter", f"{name} {detail}", field=name)


class Parameters:
    """The parameters of a request.

    Args:
        scope: The request.
        known: The names of all that there may be.

    Raises:
        Problem: There is another one, or one twice.
    """

    def __init__(self, scope: Scope, *known: str) -> None:
        self._given: Mapping[str, str] = {}
        given: dict[str, str] = {}
        for name, value in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True):
            if name not in known:
                raise fault(name[:SHOWN], f"is no parameter here; there is {', '.join(known) or 'none'}")
            if name in given:
                raise fault(name, "is given twice")
            given[name] = value
        self._given = given

    def text(self, name: str) -> str:
        """Give a text; nothing, if it is not given."""
        return self._given.get(name, "")

    def has(self, name: str) -> bool:
        """Tell whether a parameter is given."""
        return name in self._given

    def state(self, name: str) -> State | None:
        """Give a state."""
        given = self._given.get(name)
        if given is None:
            return None
        if given not in State.__members__:
            raise fault(name, f"must be {' or '.join(State.__members__)}")
        return State[given]

    def limit(self) -> int:
        """Give how many items are wanted at the most."""
        given = self._given.get("limit", str(LIMIT))
        if not _NUMBER.fullmatch(given) or not 1 <= int(given) <= MOST:
            raise fault("limit", f"must be 1 to {MOST}")
        return int(given)

    def flag(self, name: str) -> bool:
        """Give what is either so or not."""
        given = self._given.get(name, "false")
        if given not in {"true", "false"}:
            raise fault(name, "must be true or false")
        return given == "true"

    def time(self, name: str) -> int | None:
        """Give a time, in milliseconds since 1970, UTC: `beginning` is 0, and `latest` is now."""
        now = datetime.now(UTC)
        place = self.place(name, now)
        if isinstance(place, Edge):
            return 0 if place is Edge.BEGINNING else int(now.timestamp() * 1000)
        return None if place is None else max(0, int(place.timestamp() * 1000))

    def place(self, name: str, now: datetime) -> Place | None:
        """Give a place in the log."""
        given = self._given.get(name)
        if given is None:
            return None
        try:
            return parse_place(given, now)
        except ValueError as error:
            raise fault(name, f"is at fault: {error}") from None

    def span(self, name: str, default: timedelta, most: timedelta) -> int:
        """Give a span, in milliseconds."""
        given = self._given.get(name)
        if given is None:
            return default // MILLISECOND
        try:
            span = parse_span(given)
        except ValueError as error:
            raise fault(name, f"is at fault: {error}") from None
        if not timedelta() < span <= most:
            raise fault(name, f"must be more than 0s, and {most.days}d at the most")
        return span // MILLISECOND

    def position(self, name: str, partitions: int) -> Position | None:
        """Give a place in the topic Student."""
        given = self._given.get(name)
        if given is None:
            return None
        found = _POSITION.fullmatch(given)
        if found is None or int(found[1]) >= partitions:
            raise fault(name, "must be partition@offset, as X-Rollcall-Position has it")
        return Position(int(found[1]), int(found[2]))

    def cursor(self, kind: type[T]) -> T | None:
        """Give where a page begins: what `Next` of the one before has said."""
        given = self.text("cursor")
        if not given:
            return None
        try:
            return msgspec.json.decode(urlsafe_b64decode(given + "=" * (-len(given) % 4)), type=kind)
        except (ValueError, msgspec.DecodeError):
            raise fault("cursor", "must be what Next has said, with the same other parameters") from None


def cursor(last: object) -> str:
    """Write where the next page begins."""
    return urlsafe_b64encode(msgspec.json.encode(last)).decode().rstrip("=")
