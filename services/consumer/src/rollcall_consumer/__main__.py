"""The command `rollcall-consumer`."""

import sys
from functools import partial

import click

from rollcall_consumer.commands.dead import dead_command
from rollcall_consumer.commands.drain import drain_command
from rollcall_consumer.commands.lag import lag_command
from rollcall_consumer.commands.parked import parked_command
from rollcall_consumer.commands.rate import rate_command
from rollcall_consumer.commands.rebuild import rebuild_command
from rollcall_consumer.commands.redrive import redrive_command
from rollcall_consumer.commands.tail import tail_command
from rollcall_consumer.pipelines import PIPELINES
from rollcall_consumer.service import consume
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.service.process import run as run_process
from rollcall_domain.service.settings import describe


@click.group(epilog="\b\nSettings, from the environment:\n" + describe(ConsumerSettings))
@click.version_option(package_name="rollcall-consumer")
def main() -> None:
    """Consume Rollcall's events, or look at them."""


@main.command()
@click.argument("pipeline", type=click.Choice(sorted(PIPELINES)), default="record")
def run(pipeline: str) -> None:
    """Run a replica of a PIPELINE until SIGTERM or Ctrl-C."""
    sys.exit(run_process(ConsumerSettings, partial(consume, PIPELINES[pipeline])))


for command in (
    tail_command,
    lag_command,
    rate_command,
    drain_command,
    dead_command,
    redrive_command,
    parked_command,
    rebuild_command,
):
    main.add_command(command)

if __name__ == "__main__":
    main()
