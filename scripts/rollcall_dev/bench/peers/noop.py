"""The limit of one request: an application that does nothing, under uvicorn as it comes."""

import asyncio
import sys

from starlette.types import Receive, Scope, Send

from rollcall_domain.service.process import run
from rollcall_domain.service.server import serving
from rollcall_producer.settings import ProducerSettings


async def app(_: Scope, receive: Receive, send: Send) -> None:
    """Read the body, and answer 200 without one."""
    while (await receive()).get("more_body", False):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


async def serve(settings: ProducerSettings, stopping: asyncio.Event) -> None:
    """Serve until the event is set."""
    async with serving(app, settings, grace=1):
        await stopping.wait()


if __name__ == "__main__":
    sys.exit(run(ProducerSettings, serve))
