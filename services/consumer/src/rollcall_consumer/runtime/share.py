"""How a group shares a rate out: by rules that need no coordinator, because all replicas see the same log.

Every replica sees of every partition how much comes in and how much is waiting, and comes to the same shares. Where a
partition has no use for its share, the others divide it up.
"""

from collections.abc import Collection, Mapping
from math import inf


def shares(rate: float, demands: Mapping[int, float]) -> dict[int, float]:
    """Share a rate out among partitions: each gets what it demands, or as much as any other one.

    Args:
        rate: Records a second of all together.
        demands: Records a second that each partition could do with.

    Returns:
        Records a second for each. What nobody demands is divided up as well.
    """
    given: dict[int, float] = {}
    left = rate
    for index in sorted(demands, key=demands.__getitem__):
        given[index] = min(demands[index], left / (len(demands) - len(given)))
        left -= given[index]
    spare = left / len(given) if given else 0.0
    return {index: share + spare for index, share in given.items()}


def share_of(held: Collection[int], rate: float, demands: Mapping[int, float], partitions: int) -> float:
    """Give the share of a replica.

    Args:
        held: The partitions that it holds.
        rate: Records a second of the whole group.
        demands: What is known of partitions; of the others nothing is.
        partitions: How many there are.

    Returns:
        Records a second. It is never less than that of as many partitions: what comes in of a sudden is handled at
        once, and the others give way as soon as they see it.
    """
    fair = rate * len(held) / partitions
    given = shares(rate, {index: demands.get(index, inf) for index in range(partitions)})
    return max(fair, sum(given[index] for index in held))
