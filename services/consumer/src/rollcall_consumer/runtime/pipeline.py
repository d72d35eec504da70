"""What a pipeline is to the runtime: records of a topic, and a handler for them."""

from collections.abc import Callable
from typing import TypeAlias

import msgspec
from aiokafka import ConsumerRecord

from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.topics import Topic

Record: TypeAlias = ConsumerRecord[bytes | None, bytes | None]

Handler: TypeAlias = Callable[[Record], None]
"""Handles one record, or raises `UnreadableRecordError` to have it kept among the dead letters."""


class Pipeline(msgspec.Struct, frozen=True):
    """Records of a topic, and what is done with them.

    Attributes:
        name: What the pipeline is called on the command line.
        source: The topic that it reads.
        handler: Makes the handler, when a worker starts.
    """

    name: str
    source: Topic
    handler: Callable[[ConsumerSettings], Handler]
