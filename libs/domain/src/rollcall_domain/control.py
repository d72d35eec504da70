"""What operators tell a consumer group: orders, each a record on the topic `Student.Control`.

All replicas read them, those that start later too, and one that does not know an order passes over it. The order of the
log decides: whoever has given an order reads on until it comes, to see what it has come to.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec
from msgspec import UNSET, UnsetType

FIRST = 1
"""The generation that a group begins with."""


class SetRate(msgspec.Struct, frozen=True, rename="pascal", tag_field="Order", tag="set-rate"):
    """Handle so many records a second from now on.

    Attributes:
        per_second: Records a second of the whole group; 0 for as many as there are; null for what the settings say.
    """

    per_second: float | None

    def __post_init__(self) -> None:
        if self.per_second is not None and self.per_second < 0:
            raise ValueError("a rate is 0 or more")


class Step(StrEnum):
    """What happens to a generation of what a group derives.

    `build`: it is derived anew, beside the one that serves. `hold`: replicas stop, so that it can take over. `seal`:
    whoever has built it stops too. `switch`: it serves, and replicas go on with it. `abandon`: it is given up, and
    replicas go on as before. `remove`: an earlier one is gone.
    """

    BUILD = "build"
    HOLD = "hold"
    SEAL = "seal"
    SWITCH = "switch"
    ABANDON = "abandon"
    REMOVE = "remove"


class SetGeneration(msgspec.Struct, frozen=True, rename="pascal", tag_field="Order", tag="set-generation"):
    """Take a step from one generation of what a group derives to another one.

    Attributes:
        generation: Its number.
        step: What happens to it.
        begins: With `switch`: where each of its tables ended when it took over, an offset for each partition, by the
            topic's name without prefix, group and generation. What lies before that is what the earlier generation had
            as well; what comes from there on is news. Orders of old do not have it.
    """

    generation: int
    step: Step
    begins: dict[str, list[int]] | UnsetType = UNSET


class Release(msgspec.Struct, frozen=True, rename="pascal", tag_field="Order", tag="release"):
    """Try a parked record again at once.

    Attributes:
        place: Where it lies: topic, partition and offset, as in `Student.Alerts-4@17`.
        tries: How often it was tried so far; if it is tried meanwhile, that is that.
    """

    place: str
    tries: int


class GiveUp(msgspec.Struct, frozen=True, rename="pascal", tag_field="Order", tag="give-up"):
    """Let a parked record be a dead letter, so that those go on that wait for it.

    Attributes:
        place: Where it lies: topic, partition and offset, as in `Student.Alerts-4@17`.
    """

    place: str


Order = SetRate | SetGeneration | Release | GiveUp
"""All orders that there are."""

_AFTER = {Step.HOLD: Step.BUILD, Step.SEAL: Step.HOLD, Step.SWITCH: Step.SEAL}
"""The step that has to come before."""

_encode = msgspec.json.Encoder().encode
_decode: msgspec.json.Decoder[Order] = msgspec.json.Decoder(Order)


class Control:
    """What a group is to do, after all orders so far.

    Attributes:
        rate: Records a second of the whole group, 0 for as many as there are; None if no order says so.
        generation: The generation that serves.
        building: The one that is built, if one is.
        step: How far that has come: build, hold or seal; None if there is none.
        kept: Earlier generations that are still there.
        last: The highest number of a generation so far.
        served: The generations that have served, in that order; with each of them where its tables ended when it took
            over, as far as its order says so.
        released: Parked records that are to be tried again at once: how often each was tried before, by its place.
        given_up: The places of parked records that are to be dead letters.
    """

    def __init__(self) -> None:
        self.rate: float | None = None
        self.generation = FIRST
        self.building: int | None = None
        self.step: Step | None = None
        self.kept: set[int] = set()
        self.last = FIRST
        self.served: dict[int, Mapping[str, Sequence[int]]] = {FIRST: {}}
        self.released: dict[str, int] = {}
        self.given_up: set[str] = set()

    @property
    def held(self) -> bool:
        """Whether replicas are to stop for now."""
        return self.step in (Step.HOLD, Step.SEAL)

    def serves(self, generation: int) -> bool:
        """Tell whether replicas are to work on a generation."""
        return generation == self.generation and not self.held

    def builds(self, generation: int) -> bool:
        """Tell whether whoever builds a generation is to work on it."""
        return generation == self.building and self.step in (Step.BUILD, Step.HOLD)

    def following(self, generation: int) -> int | None:
        """Give the generation that has taken over from one that has served; None if there is none."""
        served = [*self.served]
        later = served[served.index(generation) + 1 :] if generation in self.served else []
        return later[0] if later else None

    def apply(self, order: Order) -> None:
        """Take in the next order; a step that does not follow from the one before changes nothing."""
        match order:
            case SetRate(per_second=per_second):
                self.rate = per_second
            case Release(place=place, tries=tries):
                self.released[place] = tries
            case GiveUp(place=place):
                self.given_up.add(place)
            case SetGeneration(generation=generation, step=Step.BUILD):
                if self.building is None and generation > self.last:
                    self.building, self.step, self.last = generation, Step.BUILD, generation
            case SetGeneration(generation=generation, step=Step.REMOVE):
                self.kept.discard(generation)
            case SetGeneration(generation=generation, step=step, begins=begins):
                if generation == self.building:
                    self._take(generation, step, {} if begins is UNSET else begins)

    def _take(self, generation: int, step: Step, begins: Mapping[str, Sequence[int]]) -> None:
        if step is Step.ABANDON:
            self.building = self.step = None
            self.kept.add(generation)
        elif self.step is _AFTER[step]:
            self.step = step
            if step is Step.SWITCH:
                self.kept.add(self.generation)
                self.generation, self.building, self.step = generation, None, None
                self.served[generation] = begins


def encode(order: Order) -> bytes:
    """Write an order as the value of a record."""
    return _encode(order)


def decode(value: bytes | None) -> Order | None:
    """Read an order; None if it is not known, or none at all."""
    try:
        return _decode.decode(value or b"")
    except msgspec.DecodeError:
        return None
