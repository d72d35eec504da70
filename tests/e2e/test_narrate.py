"""Work that keeps a processor busy, beside the stream."""

import signal
import wave
from pathlib import Path

from rollcall_domain.alert import alert
from support.alerts import MORNING, late, write
from support.log import read_all
from support.services import Environment, running


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix == ".wav")


async def test_an_alert_becomes_a_sound_file_that_can_be_heard(environment: Environment, tmp_path: Path) -> None:
    alerts = [late(f"s-{number}") for number in range(6)]
    await write(environment, *alerts)
    variables = environment.variables(narrations=tmp_path)
    async with running("rollcall_consumer", "drain", "narrate", **variables) as command:
        assert await command.end(None) == 0
    assert files(tmp_path) == sorted(f"{each.id}.wav" for each in alerts)
    with wave.open(str(tmp_path / f"{alerts[0].id}.wav")) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 16_000)
        frames = sound.readframes(sound.getnframes())
        assert 20 < sound.getnframes() / sound.getframerate() < 120
    assert max(frames[1::2]) > 0


async def test_work_that_takes_too_long_is_ended_and_holds_up_nobody_else(
    environment: Environment, tmp_path: Path
) -> None:
    endless = alert("many-logins", "s-1", MORNING, "c", "words " * 20_000)
    await write(environment, endless, late("s-1"), late("s-2"))
    variables = environment.variables(narrations=tmp_path, try_seconds=2, tries=1)
    async with running("rollcall_consumer", "run", "narrate", **variables) as worker:
        await worker.event(lambda event: event["event"] == "Kept a dead letter")
        await worker.ready()
        assert await worker.end(signal.SIGTERM) == 0
    async with running("rollcall_consumer", "drain", "narrate", **variables) as command:
        assert await command.end(None) == 0
    assert files(tmp_path) == sorted(f"{late(student).id}.wav" for student in ("s-1", "s-2"))
    (letter,) = await read_all(environment.servers, environment.dead_letters)
    assert dict(letter.headers)["dead-letter.detail"] == b"after 1 try: SlowError: it has taken longer than 2 s"
