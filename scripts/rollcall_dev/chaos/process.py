"""A service as a process of its own, at the same address whenever it is started."""

import asyncio
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from rollcall_dev.chaos.http import BROKEN, Connection, request
from rollcall_dev.kafka import ports
from rollcall_dev.leash import leashed
from rollcall_domain.service.settings import PREFIX, env_name

START_LIMIT = 60.0
"""Seconds for a service to become ready, and to end."""

ANSWER_LIMIT = 2.0
"""Seconds for a service to tell how it is."""

_LOOK = 0.05


def environment(settings: Mapping[str, object]) -> dict[str, str]:
    """Give this process's environment with no settings of Rollcall's but these, by their names in lower case."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return others | {env_name(name): str(value) for name, value in settings.items()}


class Service:
    """A service.

    Args:
        servers: Kafka's bootstrap servers.
        settings: Its settings, by their names in lower case.
        log: The file that gets what it logs.
        arguments: What Python is to run.

    Attributes:
        port: Where it serves HTTP.
    """

    def __init__(self, servers: str, settings: Mapping[str, object], log: Path, arguments: Sequence[str]) -> None:
        self.port = ports.choose()
        given = {"bootstrap_servers": servers, "port": self.port, "log_format": "json", **settings}
        self._environ = environment(given)
        self._log = log
        self._arguments = arguments
        self._process: asyncio.subprocess.Process | None = None

    @property
    def name(self) -> str:
        """What it is called: as the file that gets what it logs."""
        return self._log.stem

    @property
    def pid(self) -> int | None:
        """Its process id, if it was started and has not been told to end."""
        return None if self._process is None else self._process.pid

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.returncode is None

    async def death(self) -> str:
        """Wait until it ends without having been told to, and tell how."""
        while True:
            process = self._process
            if process is None:
                await asyncio.sleep(_LOOK)
                continue
            status = await process.wait()
            if process is self._process:
                last = " ".join(self._log.read_text().splitlines()[-1:])
                return f"{self.name} ended with status {status}: {last}"

    async def launch(self) -> None:
        """Start it."""
        with self._log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *leashed([sys.executable, *self._arguments]),
                env=self._environ,
                stdin=asyncio.subprocess.PIPE,  # the leash
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )

    async def start(self) -> None:
        """Start it, and wait until it is ready."""
        await self.launch()
        async with asyncio.timeout(START_LIMIT):
            while await self._get("/readyz") is None:  # noqa: ASYNC110 - can only be asked
                await asyncio.sleep(_LOOK)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send it a signal, and wait for its exit status; 0 if it does not run."""
        process, self._process = self._process, None
        if process is None:
            return 0
        if process.returncode is None:
            process.send_signal(number)
        async with asyncio.timeout(START_LIMIT):
            return await process.wait()

    async def lives(self) -> bool:
        """Tell whether it says in time that it lives."""
        try:
            async with asyncio.timeout(ANSWER_LIMIT):
                return await self._get("/livez") is not None
        except TimeoutError:
            return False

    async def metrics(self) -> dict[str, float]:
        """Read its metrics by name, with labels as they are written; there are none if it does not answer."""
        text = await self._get("/metrics") or ""
        return {name: float(value) for name, value in re.findall(r"^(\w+(?:\{.*\})?) (\S+)$", text, re.MULTILINE)}

    async def _get(self, path: str) -> str | None:
        connection = Connection(ports.HOST, self.port)
        try:
            await connection.open()
            answer = await connection.ask(request("GET", path, {}, b""))
        except BROKEN:
            return None
        finally:
            connection.drop()
        return answer.body.decode() if answer.status == 200 else None  # noqa: PLR2004 - OK

    def warnings(self) -> Counter[str]:
        """Count what it has logged that is more than information."""
        told: Counter[str] = Counter()
        for line in self._log.read_bytes().splitlines() if self._log.exists() else ():
            try:
                event = msgspec.json.decode(line)
            except msgspec.DecodeError:
                event = None
            if not isinstance(event, dict):
                event = {"event": line.decode(errors="replace")}
            if event.get("level") != "info":
                told[f"{event['event']} {event.get('reason', '')}".strip().partition("\n")[0]] += 1
        return told
