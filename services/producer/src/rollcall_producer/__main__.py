"""The command `rollcall-producer`."""

import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from functools import partial

import click

from rollcall_domain.service.process import run
from rollcall_domain.service.settings import describe, env_name
from rollcall_producer.service import serve
from rollcall_producer.settings import ProducerSettings
from rollcall_producer.tokens import Scope, make_token, parse_expiry
from rollcall_producer.worker import Worker
from rollcall_producer.workers import supervise


@click.group(invoke_without_command=True, epilog="\b\nSettings, from the environment:\n" + describe(ProducerSettings))
@click.version_option(package_name="rollcall-producer")
@click.option("--workers", help=f"processes that serve; goes before {env_name('workers')}")
@click.pass_context
def main(context: click.Context, workers: str | None) -> None:
    """Serve Rollcall's HTTP API until SIGTERM or Ctrl-C, or run a command."""
    if workers is not None:
        os.environ[env_name("workers")] = workers
    if context.invoked_subcommand is None:
        sys.exit(_run(Worker.inherited(os.environ)))


def _run(worker: Worker | None) -> int:
    if worker is None:
        return run(ProducerSettings, _serve)
    worker.begin()
    return run(ProducerSettings, partial(serve, worker=worker))


async def _serve(settings: ProducerSettings, stopping: asyncio.Event) -> int | None:
    return await (serve if settings.workers == 1 else supervise)(settings, stopping)


class _ExpiryType(click.ParamType[datetime]):
    name = "time"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if not isinstance(value, str):
            return value
        try:
            return parse_expiry(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@main.command()
@click.argument("name")
@click.option(
    "scopes",
    "--scope",
    type=click.Choice([scope.value for scope in Scope]),
    multiple=True,
    required=True,
    help="what it allows; may be given more than once, and admin includes the others",
)
@click.option("--expires", type=_ExpiryType(), help="when it ends, such as 2027-01-01T00:00Z")
def token(name: str, scopes: Sequence[str], expires: datetime | None) -> None:
    """Make a token for NAME, who or what is to have it.

    Prints the token, which is kept nowhere, and then its line for ROLLCALL_TOKENS_FILE.
    """
    try:
        made, line = make_token(name, map(Scope, scopes), expires)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    click.echo(made)
    click.echo(line)


if __name__ == "__main__":
    main()
