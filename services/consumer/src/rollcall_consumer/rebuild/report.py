"""What deriving anew has come to."""

import msgspec

EXAMPLES = 5
"""Differences that are shown."""


class Difference(msgspec.Struct, rename="pascal"):
    """A value that is not what it was.

    Attributes:
        topic: The topic, as it is declared.
        key: The key.
        old: The earlier value; null if there was none.
        new: The value that was derived anew; null if there is none.
    """

    topic: str
    key: str
    old: str | None
    new: str | None


class Comparison(msgspec.Struct, rename="pascal"):
    """How what was derived anew compares with what there was.

    Attributes:
        same: Values that are the same.
        different: Values that are not, those included that only one of both has.
        moved_on: Values that can't be compared, because more records are in one of both.
        examples: The first differences.
    """

    same: int = 0
    different: int = 0
    moved_on: int = 0
    examples: list[Difference] = []

    def differ(self, difference: Difference) -> None:
        """Count a difference."""
        self.different += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(difference)


class Published(msgspec.Struct, rename="pascal"):
    """What has become of outputs that go on in all generations.

    Attributes:
        known: Those that were there already, and were not written again.
        new: Those that were not.
    """

    known: int = 0
    new: int = 0


class Report(msgspec.Struct, rename="pascal"):
    """What deriving anew has come to.

    Attributes:
        group: The consumer group.
        generation: The number of the generation that was built.
        switched: Whether it serves.
        reason: Why not, for people, if it was to.
        seconds: How long all of it took.
        built_seconds: How long it took until it had caught up with the one that served.
        still_seconds: For how long nothing was handled, so that it could take over.
        tables: How the tables compare.
        streams: What has become of the streams, by topic as it is declared.
    """

    group: str
    generation: int = 0
    switched: bool = False
    reason: str | None = None
    seconds: float = 0.0
    built_seconds: float | None = None
    still_seconds: float | None = None
    tables: Comparison | None = None
    streams: dict[str, Published] = {}
