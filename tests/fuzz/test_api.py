"""The API does what its description says, whatever it is sent: schemathesis, with every check that it has."""

import asyncio
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from rollcall_producer.tokens import Scope, make_token
from support import fuzzing
from support.log import read_all
from support.services import Environment, Service, producer

FOLDER = Path(__file__).parent
FIXED = 330
"""Cases that schemathesis makes in any case, from examples and at the bounds of schemas."""


async def test_the_api_is_as_it_is_described(
    environment: Environment,
    tmp_path: Path,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> None:
    token, line = make_token("fuzz", [Scope.ADMIN], None)
    (tmp_path / "tokens").write_text(line)
    async with producer(environment, views=True, tokens_file=tmp_path / "tokens") as service:
        await service.ready()
        said = await _run(service, token, pytestconfig.getoption("--cases"), tmp_path)
        metrics = await _metrics(service, token)
        assert service.running
        assert not [event for event in service.events if event["level"] == "error"]
    accepted, lost, faults = (
        sum(float(value) for value in re.findall(rf"^rollcall_{name} (\S+)$", metrics, re.MULTILINE))
        for name in (
            r'updates_total\{outcome="accepted"\}',
            r'updates_total\{outcome="(?:not-written|unknown)"\}',
            r'problems_total\{[^}]*status="5\d\d"[^}]*\}',
        )
    )
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["complete"], report["exit_code"]) == (True, 0), said
    assert report["operations"]["tested"] == report["operations"]["total"]
    assert (lost, faults) == (0, 0)
    assert accepted > 0
    assert len(await read_all(environment.servers, environment.student)) == accepted
    record_property(fuzzing.CASES, report["test_cases"]["generated"])


async def _metrics(service: Service, token: str) -> str:
    async with httpx.AsyncClient(base_url=service.url, headers={"Authorization": f"Bearer {token}"}) as client:
        return (await client.get("/metrics")).text


async def _run(service: Service, token: str, cases: int, folder: Path) -> str:
    """Have schemathesis send some number of requests, and give what it says."""
    async with httpx.AsyncClient(base_url=service.url) as client:
        (folder / "openapi.json").write_bytes((await client.get("/openapi.json")).content)
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("schemathesis"),
        f"--config-file={FOLDER / 'schemathesis.toml'}",
        "run",
        str(folder / "openapi.json"),
        f"--url={service.url}",
        "--checks=all",
        f"--max-examples={max(1, (cases - FIXED) // 2)}",
        "--report=json",
        f"--report-json-path={folder / 'report.json'}",
        "--no-color",
        env={**os.environ, "ROLLCALL_TOKEN": token, "PYTHONPATH": os.pathsep.join([str(FOLDER.parent), *sys.path])},
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return output.decode()
