"""What can go wrong in a worker.

```
RollcallError              root, of rollcall_domain.errors
├── DoubtError             it is not known what has become of a transaction
├── UnknownOffsetError     an input ends before the offset at which work is to go on
├── PermanentError         an effect that no other try will bring about
└── UnavailableError       what an effect depends on can't be used now
```
"""

from rollcall_domain.errors import RollcallError


class DoubtError(RollcallError):
    """It is not known what has become of a transaction: whoever takes the partition over finds out."""


class UnknownOffsetError(RollcallError):
    """An input ends before the offset at which work is to go on: it is another topic of the same name.

    Attributes:
        topic: The topic's full name.
        partition: The partition's index.
        offset: Up to where work was done.
        end: Where the partition ends.
    """

    def __init__(self, topic: str, partition: int, offset: int, end: int) -> None:
        super().__init__(
            f"{topic}-{partition} ends at {end}, and work was done up to {offset}: the topic was made anew; "
            "delete what the group has committed, and the topics that it derives, to begin anew as well"
        )
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.end = end


class PermanentError(RollcallError):
    """An effect that no other try will bring about: its record belongs among the dead letters."""


class UnavailableError(RollcallError):
    """What an effect depends on can't be used now.

    Attributes:
        after: Seconds after which a try may do better, if that is known.
    """

    def __init__(self, detail: str, after: float | None = None) -> None:
        super().__init__(detail)
        self.after = after
