"""What the loss of a cluster has shown."""

import msgspec

from rollcall_dev.drill.report import Report


class Findings(msgspec.Struct):
    """The figures of a drill.

    Attributes:
        seed: What all chance was drawn from.
        accepted_first: Updates that were accepted on the first cluster.
        accepted_second: Updates that were accepted on the second one.
        unknown: Attempts of unknown outcome.
        not_written: Attempts that were answered as not written.
        mirror_kills: How often the mirror was killed before the disaster.
        copied: Records that were copied before the disaster.
        copied_twice: Copies of what was copied already, in the end.
        repeats_dropped: Records that the worker of the second cluster has passed over as repetitions, in the end.
        recovery_point_updates: Updates that were accepted and not copied.
        recovery_point_seconds: The age of the oldest of these, when the cluster was killed.
        recovery_accepted_seconds: From the kill to the first update that was accepted on the second cluster.
        recovery_effect_seconds: From the kill to the first effect that a reader of it has seen there.
        recovery_everywhere_seconds: From the kill to the moment at which there was one in each partition.
        brought_back: Updates that were copied once the first cluster was there again.
        lost: Effects that there are not, though they should be; the recovery point is none of them.
        doubled: Effects that are there twice.
        inverted: Effects that are out of order.
        wrong: What is otherwise not as it should be.
        seconds: How long the drill has taken.
        broken: The promises that are broken, in words.
    """

    seed: int
    accepted_first: int = 0
    accepted_second: int = 0
    unknown: int = 0
    not_written: int = 0
    mirror_kills: int = 0
    copied: int = 0
    copied_twice: int = 0
    repeats_dropped: int = 0
    recovery_point_updates: int = 0
    recovery_point_seconds: float = 0.0
    recovery_accepted_seconds: float = 0.0
    recovery_effect_seconds: float = 0.0
    recovery_everywhere_seconds: float = 0.0
    brought_back: int = 0
    lost: int = 0
    doubled: int = 0
    inverted: int = 0
    wrong: int = 0
    seconds: float = 0.0
    broken: list[str] = []

    def report(self) -> Report:
        """Report them."""
        figures = msgspec.to_builtins(self)
        return Report(figures, figures.pop("broken"))
