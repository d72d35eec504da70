"""Batches of records as aiokafka sends them, put together in less time."""

from aiokafka.producer.message_accumulator import BatchBuilder

Header = tuple[str, bytes]
"""A record's header: name and value."""

ForeignHeader = tuple[str, bytes | None]
"""The same as others may write it, whose value may be null."""

_UNCOMPRESSED = 0


class Records(BatchBuilder):  # type: ignore[misc]  # it has no types
    """aiokafka's batch, for bytes and nothing else: its own `append` takes half as long again.

    Args:
        limit: Bytes that it takes at the most, but for a first record that is larger by itself.
        transactional: Whether it is part of a transaction.
    """

    _closed: bool
    _relative_offset: int

    def __init__(self, limit: int, *, transactional: bool = False) -> None:
        super().__init__(limit, _UNCOMPRESSED, is_transactional=transactional)

    def append(
        self,
        timestamp: int,
        key: bytes | None,
        value: bytes | None,
        headers: list[Header] | list[ForeignHeader],
    ) -> object | None:
        """Add a record.

        Args:
            timestamp: Milliseconds since 1970, UTC.
            key: The record's key.
            value: The record's value.
            headers: The record's headers; it has to be a list.

        Returns:
            What describes the record; None if the batch has no room for it, or is closed.
        """
        if self._closed:  # by us or by aiokafka
            return None
        described: object | None = self._builder.append(self._relative_offset, timestamp, key, value, headers)
        if described is None:
            self._closed = True
        else:
            self._relative_offset += 1
        return described
