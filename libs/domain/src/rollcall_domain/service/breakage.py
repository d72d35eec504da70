"""Connections to Kafka that break, or do not come about: as an error that aiokafka foresees, and soon.

Between a reset and the moment at which aiokafka hears of it, asyncio's own transports swallow what is written, and
uvloop's raise a plain RuntimeError. That would end the tasks by which a client sends, and by which it keeps up its
metadata, for good.

A host that is gone refuses no connection: it says nothing. aiokafka would wait for as long as for an answer, which may
be 40 s, and connect to no other broker meanwhile, not even to ask who has taken its place.
"""

from collections.abc import Awaitable
from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError, KafkaError

CONNECT_LIMIT = 3.0
"""Seconds for a connection to come about, and for each answer that it takes before it can be used."""

_send = AIOKafkaConnection.send
_connect = AIOKafkaConnection.connect


def _send_unless_broken(connection: AIOKafkaConnection, request: Any, expect_response: Any = True) -> Awaitable[Any]:  # noqa: ANN401, FBT002 - as aiokafka has it
    try:
        waiting: Awaitable[Any] = _send(connection, request, expect_response=expect_response)
    except KafkaError:  # which is a RuntimeError itself
        raise
    except RuntimeError as error:
        connection.close(reason=CloseReason.CONNECTION_BROKEN)
        raise KafkaConnectionError(f"Connection at {connection.host}:{connection.port} broken: {error}") from error
    return waiting


async def _connect_in_time(connection: AIOKafkaConnection) -> Any:  # noqa: ANN401 - as above
    limit = connection._request_timeout  # noqa: SLF001 - no public setting
    connection._request_timeout = min(limit, CONNECT_LIMIT)  # noqa: SLF001 - as above
    try:
        return await _connect(connection)
    finally:
        connection._request_timeout = limit  # noqa: SLF001 - as above


def foresee() -> None:
    """Have all clients of this process treat such connections as any other that is broken."""
    AIOKafkaConnection.send = _send_unless_broken
    AIOKafkaConnection.connect = _connect_in_time
