"""One operation, as the description has it."""

from typing import NamedTuple

from rollcall_producer.description.components import Described
from rollcall_producer.kinds import Kind
from rollcall_producer.tokens import Scope

HTML, JSON, NDJSON = "text/html; charset=utf-8", "application/json", "application/x-ndjson"


class Operation(NamedTuple):
    """A method of a path.

    Attributes:
        described: OpenAPI's operation object, without what access adds.
        needed: The scope that a token needs where tokens are on, or None if it needs none.
        problems: The kinds of problem that it may be answered with, beside those that any request may.
    """

    described: Described
    needed: Scope | None = None
    problems: tuple[Kind, ...] = ()
