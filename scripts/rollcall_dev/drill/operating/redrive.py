"""The command `scripts/drill redrive`: dead letters go back, by a command that is killed on the way."""

import argparse
import asyncio
import signal
from collections import Counter, defaultdict

import uvloop

from rollcall_dev.chaos.record.fleet import Fleet
from rollcall_dev.chaos.record.log import Line
from rollcall_dev.chaos.record.run import Progress, settled
from rollcall_dev.chaos.record.stage import Stage
from rollcall_dev.drill.operating.load import Load
from rollcall_dev.drill.operating.place import Place, place
from rollcall_dev.drill.report import Report, unlike
from rollcall_domain.topics import DEAD_LETTERS, INBOX, STATE

SUMMARY = "dead letters that go back once what was wrong is mended, by a command that is killed twice"

LETTERS = 500
POISON = 3
"""Dead letters in all, and those among them that fail again."""

STUDENTS = 50
"""Students of the letters."""

RATE = 100
"""Letters a second that are sent back."""

WRONG = """
from rollcall_domain.roll import Roll
right = Roll.apply

def apply(self, update, *others):
    if update.student_id.startswith("x-"):
        raise RuntimeError("wrong on purpose")
    return right(self, update, *others)

Roll.apply = apply
"""
"""Makes workers that fail at some students."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--letters", type=int, default=LETTERS, metavar="N", help="default: %(default)d")


def run(options: argparse.Namespace) -> Report:
    """Rehearse."""
    return uvloop.run(rehearse(options.letters))


async def rehearse(letters: int) -> Report:
    """Send dead letters back, and find out whether each had one effect.

    Args:
        letters: How many.
    """
    tell = Progress()
    settings = {"dead_letter_share": 1, "dead_letter_run": 10_000}
    async with place(settings, WRONG) as there:
        office = Stage(there.stage.servers, {**settings, "group": "office"})
        directories = [there.logs / name for name in ("office", "mended")]
        for directory in directories:
            directory.mkdir()
        async with Fleet(office, directories[0]) as others, Fleet(there.stage, directories[1]) as mended:
            async with Load(there.stage, 200), Load(there.stage, 0, "x") as failing:
                await others.scale(1)
                await there.fleet.scale(1)
                await _fail(failing, letters)
                while len(await _letters(there)) < letters:  # noqa: ASYNC110 - it can only be read
                    await asyncio.sleep(0.2)
                await there.fleet.scale(0)
                tell(f"{letters} dead letters; the workers are mended")
                await mended.scale(2)
                kills = [await _kill(there, count) for count in (letters // 4, letters // 2)]
                status, report = await there.say("redrive")
                tell(f"killed after {kills} letters; then {report['Sent']} were sent back")
            await asyncio.gather(settled(there.stage, mended), settled(office, others))
            again = [(await there.say("redrive"))[1] for _ in range(3)]
            await settled(there.stage, mended)
            await asyncio.gather(mended.scale(0), others.scale(0))
        return await _judge(there, office, failing, {"status": status, "kills": str(kills)}, again)


async def _fail(failing: Load, letters: int) -> None:
    """Write what ends among the dead letters."""
    for number in range(letters - POISON):
        failing.send(f"x-{number % STUDENTS}")
    for number in range(POISON):
        failing.raw(b"x-0", b"no update %d" % number, f"poison-{number}")


async def _letters(there: Place) -> list[Line]:
    log = await there.read(there.settings.topic_name(DEAD_LETTERS))
    return [line for lines in log[there.settings.topic_name(DEAD_LETTERS)] for line in lines if line.value is not None]


async def _inbox(there: Place, stage: Stage) -> list[Line]:
    name = stage.settings.topic_name(INBOX)
    return [line for lines in (await there.read(name))[name] for line in lines]


async def _kill(there: Place, count: int) -> int:
    """Send letters back, and kill that once there are so many; give how many there are."""
    command = there.command("redrive", "--rate", str(RATE))
    await command.launch()
    while len(back := await _inbox(there, there.stage)) < count:  # noqa: ASYNC110 - it can only be read
        await asyncio.sleep(0.1)
    await command.end(signal.SIGKILL)
    return len(back)


async def _judge(
    there: Place, office: Stage, failing: Load, figures: dict[str, float | str], again: list[dict[str, object]]
) -> Report:
    back = await _inbox(there, there.stage)
    by_student: dict[bytes | None, list[int]] = defaultdict(list)
    for line in back:
        identity = (line.identity or b"").decode()
        if not identity.startswith("poison"):
            by_student[line.key].append(int(identity.rpartition("/")[2]))
    records = {record["StudentId"]: record for record in await there.values(STATE)}
    wrong = [name for name, sent in failing.sent.items() if records[name]["Logins"] != (sent + 1) // 2]
    once = Counter((line.identity, dict(line.headers)["redrive.returns"]) for line in back)
    figures |= {
        "letters": failing.sent.total() + POISON,
        "sent_back": len(back),
        "sent_twice": sum(count > 1 for count in once.values()),
        "out_of_order": sum(numbers != sorted(numbers) for numbers in by_student.values()),
        "effects_missing_or_doubled": len(wrong),
        "second_group_inbox": len(await _inbox(there, office)),
        "sent_again": " ".join(str(report["Sent"]) for report in again),
        "sent_at_last": int(str(again[-1]["Sent"])),
        "left": str(again[-1]["Refused"]),
    }
    expected = {
        "status": 0,
        "sent_back": failing.sent.total() + 3 * POISON,
        "sent_twice": 0,
        "out_of_order": 0,
        "effects_missing_or_doubled": 0,
        "second_group_inbox": 0,
        "sent_at_last": 0,
    }
    return Report(figures, [*unlike(figures, expected)])
