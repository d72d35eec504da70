import asyncio

import httpx

from support.load import put
from support.metrics import shown_by, until_shown
from support.services import Environment, producer

NAME = "rollcall_requests_total"


async def test_counts_requests_by_method_route_and_status(environment: Environment) -> None:
    async with producer(environment, cors_origins="https://app.example") as service:
        await service.ready()
        async with httpx.AsyncClient(base_url=service.url) as client:
            await asyncio.gather(*(put(client, f"s-{number}") for number in range(20)))
            await put(client, "")
            await client.put("/Record/Update", content="{")
            await client.get("/Record/Update")
            lines = b'{"StudentId":"s-1","State":"LoggedIn"}\n{}\n'
            await client.post("/Record/Updates", content=lines, headers={"Content-Type": "application/x-ndjson"})
            for number in range(3):
                await client.get(f"/students/{number}")
            await client.request("PROPFIND", "/")
            asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "PUT"}
            assert (await client.options("/Record/Update", headers=asked)).status_code == 200
            await until_shown(
                client,
                {
                    (NAME, "PUT", "/Record/Update", "200"): 20,
                    (NAME, "PUT", "/Record/Update", "422"): 1,
                    (NAME, "PUT", "/Record/Update", "415"): 1,
                    (NAME, "GET", "/Record/Update", "405"): 1,
                    (NAME, "POST", "/Record/Updates", "207"): 1,
                    (NAME, "GET", "other", "404"): 3,
                    (NAME, "other", "other", "404"): 1,
                    (NAME, "OPTIONS", "other", "200"): 1,
                },
            )
            routes = {labels[1] for name, *labels in await shown_by(client) if name == NAME}
            assert routes == {"/Record/Update", "/Record/Updates", "/readyz", "/metrics", "other"}
