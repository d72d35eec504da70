"""How a command asks Kafka for something: with the settings of the environment, and errors of one line."""

import os
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import click
import uvloop
from aiokafka.errors import KafkaError

from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.errors import RollcallError
from rollcall_domain.service.cause import Overheard
from rollcall_domain.service.connection import unreachable
from rollcall_domain.service.logs import hush
from rollcall_domain.service.settings import load

T = TypeVar("T")


def ask(work: Callable[[ConsumerSettings], Coroutine[Any, Any, T]]) -> T:
    """Do what a command does, and end it with one line if that can't be.

    Raises:
        ClickException: The settings are at fault, or Kafka can't be used; it says what is wrong.
    """
    hush()
    with Overheard() as heard:
        try:
            settings = load(ConsumerSettings, os.environ)
            return uvloop.run(work(settings))
        except RollcallError as error:
            raise click.ClickException(str(error)) from error
        except (KafkaError, TimeoutError) as error:
            raise click.ClickException(unreachable(settings, heard.cause(error))) from error
