"""The books of a partition: what was committed of it, told apart from what anybody else has.

Each commit has a tag of its own in its notes. By that a replica to which a partition comes back knows whether somebody
else has worked on it meanwhile; and, after a commit of which nobody knew what had become of it, whether that holds.
"""

import os
from collections.abc import Mapping
from itertools import count
from typing import NamedTuple

import structlog
from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from rollcall_consumer.runtime.effects.changes import Changes
from rollcall_consumer.runtime.effects.offsets import Unfinished, read_note

log = structlog.get_logger()

Committed = Mapping[TopicPartition, OffsetAndMetadata]
"""What is committed of the inputs, as far as anything is."""


class _Doubt(NamedTuple):
    """A commit of which it is not known whether it holds."""

    tag: str
    changes: Changes


class Books:
    """What this replica has committed of a partition.

    Args:
        index: The partition's index.
    """

    def __init__(self, index: int) -> None:
        self._index = index
        self._tags = (f"{os.urandom(6).hex()}-{number}" for number in count())
        self._tag: str | None = None
        self._doubt: _Doubt | None = None

    def open(self, committed: Committed) -> None:
        """Begin with what somebody else has committed."""
        self._tag, self._doubt = _tag(committed), None

    def enter(self, inputs: Mapping[TopicPartition, Unfinished], changes: Changes) -> Committed:
        """Give the offsets that are to be committed, with their notes; it is in doubt from then on whether they are."""
        tag = next(self._tags)
        self._doubt = _Doubt(tag, changes)
        return {
            partition: OffsetAndMetadata(each.watermark, f"{tag} {each.note()}".rstrip())
            for partition, each in inputs.items()
        }

    def close(self) -> None:
        """Hear that the last commit holds."""
        if self._doubt is not None:
            self._tag, doubt = self._doubt.tag, self._doubt
            self._doubt = None
            doubt.changes.tell(self._index)

    def agree(self, committed: Committed) -> bool:
        """Tell whether nobody but this replica has committed what is committed now."""
        tag = _tag(committed)
        return tag == self._tag or (self._doubt is not None and tag == self._doubt.tag)

    def settle(self, committed: Committed) -> Changes | None:
        """Find out whether the last commit holds, of which that was not known; give its changes if it does not."""
        if self._doubt is None:
            return None
        if _tag(committed) == self._doubt.tag:
            self.close()
            return None
        changes, self._doubt = self._doubt.changes, None
        return changes


def read(committed: Committed, positions: Mapping[TopicPartition, int]) -> dict[TopicPartition, Unfinished]:
    """Read what is unfinished of the inputs.

    Args:
        committed: What is committed.
        positions: The offset at which each input goes on; where more is committed, what lies before it is gone.
    """
    return {partition: _read(committed.get(partition), position) for partition, position in positions.items()}


def _read(committed: OffsetAndMetadata | None, position: int) -> Unfinished:
    if committed is None:
        return Unfinished(position)
    try:
        unfinished = read_note(committed.offset, committed.metadata.partition(" ")[2])
    except ValueError as error:
        log.warning("Can't tell what is finished beyond the offset that is committed", reason=str(error))
        return Unfinished(position)
    unfinished.skip(position)
    return unfinished


def _tag(committed: Committed) -> str | None:
    """Read the tag of what is committed; None if nothing is, or not all by the same commit."""
    tags = {offset.metadata.partition(" ")[0] for offset in committed.values()}
    return tags.pop() if len(tags) == 1 else None
