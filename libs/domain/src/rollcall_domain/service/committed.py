"""The offsets that a group has committed, read without mistaking an error for none."""

from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import for_code
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.structs import OffsetAndMetadata


async def committed(
    consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]
) -> dict[TopicPartition, OffsetAndMetadata]:
    """Read what a consumer's group has committed of partitions; those of which it has committed nothing are left out.

    It does not wait for a transaction that is open: whoever asks has ended all that there may be.
    """
    offsets: dict[TopicPartition, OffsetAndMetadata] = await consumer._coordinator.fetch_committed_offsets(  # noqa: SLF001 - the public way asks for one partition at a time
        partitions
    )
    return offsets


def refuse_failed_fetches(consumer: AIOKafkaConsumer) -> None:
    """Have aiokafka repeat a fetch of committed offsets that failed as a whole.

    aiokafka 0.14 overlooks the error code of the answer, as a coordinator gives it that is just loading the group. It
    takes the partitions for never committed, and the group would handle its topics again from the first record.

    Args:
        consumer: A consumer that has been started.
    """
    coordinator = consumer._coordinator  # noqa: SLF001 - no public way comes between
    send = coordinator._send_req  # noqa: SLF001

    async def checked(request: Any) -> Any:  # noqa: ANN401 - aiokafka ships no types
        response = await send(request)
        if isinstance(request, OffsetFetchRequest) and response.error_code:
            coordinator.coordinator_dead()
            error = for_code(response.error_code)
            raise error("the committed offsets could not be fetched")
        return response

    coordinator._send_req = checked  # noqa: SLF001
