"""The command `rollcall-producer`."""

import sys

import click

from rollcall_domain.service.process import run
from rollcall_domain.service.settings import describe
from rollcall_producer.service import serve
from rollcall_producer.settings import ProducerSettings


@click.command(epilog="\b\nSettings, from the environment:\n" + describe(ProducerSettings))
@click.version_option(package_name="rollcall-producer")
def main() -> None:
    """Serve Rollcall's HTTP API until SIGTERM or Ctrl-C."""
    sys.exit(run(ProducerSettings, serve))


if __name__ == "__main__":
    main()
