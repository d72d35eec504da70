"""What operators tell a consumer group: orders, each a record on the topic `Student.Control`.

All replicas read them, those that start later too, and one that does not know an order passes over it.
"""

import msgspec


class SetRate(msgspec.Struct, frozen=True, rename="pascal", tag_field="Order", tag="set-rate"):
    """Handle so many records a second from now on.

    Attributes:
        per_second: Records a second of the whole group; 0 for as many as there are; null for what the settings say.
    """

    per_second: float | None

    def __post_init__(self) -> None:
        if self.per_second is not None and self.per_second < 0:
            raise ValueError("a rate is 0 or more")


Order = SetRate
"""All orders that there are."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Order).decode


class Control:
    """What a group is to do, after all orders so far.

    Attributes:
        rate: Records a second of the whole group, 0 for as many as there are; None if no order says so.
    """

    def __init__(self) -> None:
        self.rate: float | None = None

    def apply(self, order: Order) -> None:
        """Take in the next order."""
        self.rate = order.per_second


def encode(order: Order) -> bytes:
    """Write an order as the value of a record."""
    return _encode(order)


def decode(value: bytes | None) -> Order | None:
    """Read an order; None if it is not known, or none at all."""
    try:
        return _decode(value or b"")
    except msgspec.DecodeError:
        return None
