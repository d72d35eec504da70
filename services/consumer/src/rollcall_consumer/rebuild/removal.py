"""The end of generations that serve no longer."""

from rollcall_consumer.rebuild.publish import lasting
from rollcall_consumer.runtime.folds.pipeline import FoldPipeline
from rollcall_consumer.runtime.orders import Orders
from rollcall_consumer.settings import ConsumerSettings, of_generation
from rollcall_domain.control import FIRST, SetGeneration, Step
from rollcall_domain.service.provision import delete_topics


async def abandon(pipeline: FoldPipeline, settings: ConsumerSettings, orders: Orders) -> int | None:
    """Give up the generation that is being built, and remove it.

    Returns:
        Its number; None if there is none.

    Raises:
        KafkaError: Kafka can't be reached, or refuses.
    """
    building = orders.control.building
    if building is not None:
        await orders.give(SetGeneration(building, Step.ABANDON))
        await remove(pipeline, settings, orders)
    return building


async def remove(pipeline: FoldPipeline, settings: ConsumerSettings, orders: Orders) -> list[int]:
    """Remove the generations that served before, or were given up.

    Returns:
        Their numbers.

    Raises:
        KafkaError: Kafka can't be reached, or refuses.
    """
    removed = sorted(orders.control.kept)
    for generation in removed:
        of_it = of_generation(settings, generation, building=generation != FIRST)
        own = [topic for topic in pipeline.topics if topic.derived and not topic.lasting]
        await delete_topics(own if generation == FIRST else [*own, *lasting(pipeline)], of_it)
        await orders.give(SetGeneration(generation, Step.REMOVE))
    return removed
