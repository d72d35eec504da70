"""Who leads a cluster's metadata, as its nodes have noted it in their data."""

from collections.abc import Iterable

import msgspec

from rollcall_dev.kafka.broker import Broker

_NOTE = "data/__cluster_metadata-0/quorum-state"
_NOBODY = -1


class _Note(msgspec.Struct, rename="camel"):
    leader_id: int
    leader_epoch: int


def leader(brokers: Iterable[Broker]) -> int | None:
    """Tell which node leads, or None if none of them knows: the one without which no partition gets a new leader."""
    notes = [msgspec.json.decode((broker.directory / _NOTE).read_bytes(), type=_Note) for broker in brokers]
    latest = max(notes, key=lambda note: note.leader_epoch)
    return None if latest.leader_id == _NOBODY else latest.leader_id
