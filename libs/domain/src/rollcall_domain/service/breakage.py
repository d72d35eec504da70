"""Connections to Kafka that break, under uvloop: as an error that aiokafka foresees.

Between a reset and the moment at which aiokafka hears of it, asyncio's own transports swallow what is written, and
uvloop's raise a plain RuntimeError. That would end the tasks by which a client sends, and by which it keeps up its
metadata, for good.
"""

from collections.abc import Awaitable
from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError, KafkaError

_send = AIOKafkaConnection.send


def _send_unless_broken(connection: AIOKafkaConnection, request: Any, expect_response: Any = True) -> Awaitable[Any]:  # noqa: ANN401, FBT002 - as aiokafka has it
    try:
        waiting: Awaitable[Any] = _send(connection, request, expect_response=expect_response)
    except KafkaError:  # which is a RuntimeError itself
        raise
    except RuntimeError as error:
        connection.close(reason=CloseReason.CONNECTION_BROKEN)
        raise KafkaConnectionError(f"Connection at {connection.host}:{connection.port} broken: {error}") from error
    return waiting


def foresee() -> None:
    """Have all clients of this process treat such a connection as any other that is broken."""
    AIOKafkaConnection.send = _send_unless_broken
