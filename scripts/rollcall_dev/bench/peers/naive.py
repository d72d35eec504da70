"""The obvious way: Starlette, and aiokafka's `send_and_wait` for each request, under uvicorn as it comes."""

import asyncio
import json
import sys

from aiokafka import AIOKafkaProducer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rollcall_domain.events import State
from rollcall_domain.service.process import run
from rollcall_domain.service.provision import ensure_topics, topic_name
from rollcall_domain.service.server import serving
from rollcall_domain.topics import STUDENT
from rollcall_producer.settings import ProducerSettings


def create_app(client: AIOKafkaProducer, topic: str) -> Starlette:
    """Build the application, on a client that is started."""

    async def update(request: Request) -> Response:
        body = await request.json()
        student_id, state = body.get("StudentId"), body.get("State")
        if not isinstance(student_id, str) or state not in State.__members__:
            return Response(status_code=422)
        value = json.dumps({"StudentId": student_id, "State": State[state]}, separators=(",", ":")).encode()
        await client.send_and_wait(topic, value, key=student_id.encode())
        return Response()

    async def ready(_: Request) -> Response:
        return Response()

    return Starlette(routes=[Route("/Record/Update", update, methods=["PUT"]), Route("/readyz", ready)])


async def serve(settings: ProducerSettings, stopping: asyncio.Event) -> None:
    """Serve until the event is set."""
    await ensure_topics([STUDENT], settings)
    async with AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap_servers, acks="all", enable_idempotence=True
    ) as client:
        app = create_app(client, topic_name(STUDENT, settings))
        async with serving(app, settings, grace=1):
            await stopping.wait()


if __name__ == "__main__":
    sys.exit(run(ProducerSettings, serve))
