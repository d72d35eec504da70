"""Dead letters that are sent back."""

import asyncio
from collections import Counter
from datetime import UTC, datetime

from rollcall_consumer.dead import DeadLetterLog, Selection
from rollcall_consumer.redrive import Plan, Report, redrive
from rollcall_consumer.runtime.letters import Letter
from rollcall_consumer.runtime.orders import give
from rollcall_consumer.settings import of_generation
from rollcall_domain.control import SetGeneration, Step
from rollcall_domain.errors import Reason
from rollcall_domain.service.records import Record
from rollcall_domain.service.source import Source
from rollcall_domain.topics import DEAD_LETTERS
from support.folds import INBOX, SEEN, Counting, Line, counting
from support.log import configure_topic, read_all
from support.services import Environment

ALL = Selection()


class Mended(Counting):
    """Takes what was refused before."""

    def count(self, record: Record, cause: bytes) -> None:
        """Count a record, whatever its value commands."""
        value = record.value or b""
        self._counts[value] = self._changed[value] = self._counts.get(value, 0) + 1
        self._seen.append((cause, b"%b=%d" % (value, self._counts[value]), record.timestamp))


async def _failed(environment: Environment, *values: bytes, **settings: object) -> Line:
    """Have records come to rest among the dead letters."""
    line = await Line(environment, None, **settings).create()
    await line.write(*values)
    await line.run()
    return line


def _mended(environment: Environment, **settings: object) -> Line:
    return Line(environment, counting(Mended), **settings)


async def _redrive(line: Line, selection: Selection = ALL, **how: object) -> Report:
    plan = Plan(selection=selection, **how)  # type: ignore[arg-type]
    return await redrive(counting(), line.settings, plan, asyncio.Event(), lambda _, __: None)


async def _letters(line: Line, selection: Selection = ALL) -> list[Letter]:
    async with Source(line.settings, "test", [line.name(DEAD_LETTERS)]) as source:
        letters = DeadLetterLog(line.settings, source)
        found = await letters.find(selection)
        return [letter for index, offsets in found.wanted.items() async for letter in letters.read(index, offsets)]


async def test_letters_have_their_effect_once_what_was_wrong_is_mended(environment: Environment) -> None:
    line = await _failed(environment, b"a", b"refuse 1", b"refuse 2", b"b")
    report = await _redrive(line)
    assert (report.finished, report.found, report.sent) == (True, 2, 2)
    assert report.by_reason == Counter({"not-json": 2})
    await _mended(environment).run()
    assert await line.seen() == [b"a=1", b"b=1", b"refuse 1=1", b"refuse 2=1"]
    again = await _redrive(line)
    assert (again.finished, again.found, again.sent) == (True, 0, 0)
    assert await _letters(line) == []


async def test_a_letter_goes_back_as_it_came(environment: Environment) -> None:
    line = await Line(environment).create()
    headers = [("id", b"x"), ("empty", b""), ("null", None), ("dead-letter.reason", b"of somebody else")]
    await line.write(b"refuse \xff", headers=headers, partition=4, key=b"\x00", timestamp_ms=1_795_456_578_650)
    await line.run()
    (letter,) = await line.records(DEAD_LETTERS)
    await _redrive(line)
    (back,) = await line.records(INBOX)
    assert (back.partition, back.key, back.value, back.timestamp) == (4, b"\x00", b"refuse \xff", 1_795_456_578_650)
    place = f"{line.name(DEAD_LETTERS)}-4-{letter.offset}".encode()
    assert [*back.headers] == [("redrive.letter", place), ("redrive.returns", b"1"), *headers]


async def test_headers_that_only_look_like_ours_hide_no_letter(environment: Environment) -> None:
    line = await Line(environment).create()
    for headers in ([("redrive.returns", b"often")], [("dead-letter.redriven", b"0")], [("redrive.letter", b"\xff")]):
        await line.write(b"refuse", headers=headers)
    await line.run()
    assert [letter.returns for letter in await _letters(line)] == [0, 0, 0]
    assert (await _redrive(line)).sent == 3


async def test_what_fails_again_comes_to_rest_and_is_not_sent_back_for_ever(environment: Environment) -> None:
    line = await _failed(environment, b"refuse", dead_letter_run=1)
    for returns in (1, 2):
        assert (await _redrive(line, returns=2)).sent == 1
        async with line.working() as work:
            await work.ready()
        (letter,) = await _letters(line)
        assert (letter.value, letter.returns, letter.why.topic) == (b"refuse", returns, line.name(INBOX))
        assert letter.headers == []
    report = await _redrive(line, returns=2)
    assert (report.finished, report.sent, report.refused) == (True, 0, Counter({"returned too often": 1}))
    assert len(await _letters(line)) == 1


async def test_letters_that_fail_again_stop_no_partition(environment: Environment) -> None:
    line = await _failed(environment, *[b"refuse"] * 3, dead_letter_run=3)
    await line.write(*[b"a"] * 3)
    for _ in range(3):
        await _redrive(line)
        await line.run()
    assert (await line.seen(), len(await _letters(line))) == ([b"a=1", b"a=2", b"a=3"], 3)


async def test_a_letter_with_an_id_has_its_effect_and_a_copy_of_it_has_none(environment: Environment) -> None:
    line = await Line(environment).create()
    await line.write(b"refuse", headers=[("id", b"x")])
    await line.run()
    await line.write(b"refuse", headers=[("id", b"x")])
    await _redrive(line)
    mended = _mended(environment)
    await mended.run()
    await line.write(b"refuse", headers=[("id", b"x")])
    await mended.run()
    assert await line.seen() == [b"refuse=1"]


async def test_only_those_go_back_that_are_wanted_and_others_may_later(environment: Environment) -> None:
    line = await Line(environment, dead_letter_share=1).create()
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    for hour in range(4):
        await line.write(b"refuse %d" % hour, timestamp_ms=int(noon.timestamp() * 1000) + hour * 3_600_000)
    await line.write(b"fail", b'fail {"StudentId":"s-1","State":0}', key=b"s-1")
    await line.run()
    assert (await _redrive(line, Selection(reason=Reason.INVALID_STUDENT_ID))).found == 0
    dry = await _redrive(line, Selection(reason=Reason.FOLD_FAILED), dry_run=True)
    assert (dry.finished, dry.dry_run, dry.sent) == (True, True, 2)
    assert (await _redrive(line, Selection(student="s-2"))).found == 0
    assert (await _redrive(line, Selection(student="s-1"))).sent == 2
    afternoon = Selection(since=noon.replace(hour=13), until=noon.replace(hour=15))
    assert (await _redrive(line, afternoon, limit=1)).sent == 1
    assert (await _redrive(line, afternoon)).sent == 1
    assert [record.value for record in await line.records(INBOX)] == [
        b"fail",
        b'fail {"StudentId":"s-1","State":0}',
        b"refuse 1",
        b"refuse 2",
    ]
    assert [letter.value for letter in await _letters(line)] == [b"refuse 0", b"refuse 3"]
    assert len(await _letters(line, Selection(redriven=True))) == 6


async def test_a_letter_that_was_cut_short_is_not_what_it_was(environment: Environment) -> None:
    line = await Line(environment).create()
    configure_topic(line.servers, line.name(DEAD_LETTERS), "max.message.bytes", "300000")
    await line.write(b"refuse " + b"x" * 400_000, b"refuse")
    await line.run()
    report = await _redrive(line)
    assert (report.finished, report.sent, report.refused) == (True, 1, Counter({"cut short": 1}))
    assert [record.value for record in await line.records(INBOX)] == [b"refuse"]


async def test_two_who_send_back_at_once_send_nothing_twice(environment: Environment) -> None:
    line = await _failed(environment, *[b"refuse %d" % number for number in range(60)], dead_letter_share=1)
    reports = await asyncio.gather(_redrive(line, rate=20), _redrive(line, rate=20))
    assert any(report.finished for report in reports)
    for report in reports:
        assert report.finished or "begin again" in (report.reason or "")
    await _redrive(line)
    values = [record.value for record in await line.records(INBOX)]
    assert values == [b"refuse %d" % number for number in range(60)]


async def test_other_groups_see_nothing_of_it(environment: Environment) -> None:
    line = await _failed(environment, b"a", b"refuse")
    other = Line(environment, group="office")
    await other.run()
    await _redrive(line)
    await _mended(environment).run()
    await other.run()
    assert (await line.seen(), await other.seen()) == ([b"a=1", b"refuse=1"], [b"a=1"])
    assert len(await other.records(INBOX)) == 0
    (letter,) = await _letters(other)
    assert letter.why.group == other.settings.group_id


async def test_a_run_that_is_interrupted_goes_on_where_it_was(environment: Environment) -> None:
    line = await _failed(environment, *[b"refuse %d" % number for number in range(40)], dead_letter_share=1)
    stopping = asyncio.Event()

    def watch(_: int, done: int) -> None:
        if done >= 10:
            stopping.set()

    plan = Plan(selection=ALL, rate=50)
    report = await redrive(counting(), line.settings, plan, stopping, watch)
    assert (report.finished, 10 <= report.sent < 40) == (False, True)
    assert report.reason == "interrupted; begin again: what was sent back is known"
    rest = await _redrive(line)
    assert (rest.finished, rest.sent) == (True, 40 - report.sent)
    assert [record.value for record in await line.records(INBOX)] == [b"refuse %d" % number for number in range(40)]
    await _mended(environment).run()
    assert len(await line.records(SEEN)) == 40


async def test_while_another_generation_takes_over_nothing_is_sent_back(environment: Environment) -> None:
    line = await _failed(environment, b"refuse")
    for step in (Step.BUILD, Step.HOLD):
        await give(SetGeneration(2, step), line.settings)
    report = await _redrive(line)
    assert (report.finished, report.sent) == (False, 0)
    assert report.reason == "another generation is about to take over; begin again"
    assert len(await _letters(line)) == 1
    for step in (Step.SEAL, Step.SWITCH):
        await give(SetGeneration(2, step), line.settings)
    assert (await _redrive(line)).sent == 1
    later = of_generation(line.settings, 2)
    assert [record.value for record in await read_all(line.servers, later.topic_name(INBOX), committed=True)] == [
        b"refuse"
    ]
