"""Which pipeline a command is about."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from rollcall_consumer.pipelines import PIPELINES

C = TypeVar("C", bound=Callable[..., Any])


class PipelineType(click.Choice[str]):
    """A pipeline, by its name."""

    def __init__(self) -> None:
        super().__init__(sorted(PIPELINES))

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - click's
        """Find the pipeline."""
        return value if not isinstance(value, str) else PIPELINES[super().convert(value, param, ctx)]


def of_pipeline(command: C) -> C:
    """Give a command the option `--pipeline`, and the pipeline."""
    option: Callable[[C], C] = click.option(
        "--pipeline", type=PipelineType(), default="record", show_default=True, help="whose group is meant"
    )
    return option(command)
