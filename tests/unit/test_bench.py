"""What benches make of what they have measured, and the load that they measure by."""

import asyncio
import json
import math
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from time import process_time

import pytest

from rollcall_dev.bench import group, machine, overload, replicas, report, takeover, visible
from rollcall_dev.bench.errors import BenchError
from rollcall_dev.bench.load import closed, fill, requests, watch
from rollcall_dev.bench.load import open as opened
from rollcall_dev.bench.load.chores import Chore, Log
from rollcall_dev.bench.load.phases import Phase
from rollcall_dev.bench.load.result import percentile
from rollcall_dev.bench.load.scanner import Answer, Scanner
from rollcall_dev.bench.peers.handling import Handling
from rollcall_domain import codec
from rollcall_domain.events import State
from rollcall_domain.partition import partition_for

OK = b"HTTP/1.1 200 OK\r\ndate: x\r\ncontent-length: 0\r\n\r\n"
BULK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{"Accepted":7}'
BUSY = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\nconnection: close\r\n\r\nbusy"

Reply = Callable[[bytes], bytes]


def test_the_median_of_ratios_is_not_moved_by_a_round_that_was_disturbed_as_a_whole() -> None:
    assert report.median_of_ratios([10, 20, 900], [5, 10, 450]) == 2
    assert report.median_of_ratios([1, 3, 2], [1, 1, 1]) == 2


def test_a_report_gives_medians_ratios_and_nothing_that_is_not_known(tmp_path: Path) -> None:
    figures = report.Report()
    for ours, limit in [(20, 10), (60, 20), (50, 10)]:
        figures.add("ours", ours)
        figures.add("limit", limit)
    figures.compare("ours_vs_limit", "ours", "limit")
    figures.set("memory", math.nan)
    report.write(figures.numbers(), tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_text()) == {"limit": 10, "ours": 50, "ours_vs_limit": 3}


@pytest.mark.parametrize(
    ("ascending", "rank", "value"),
    [([], 99, 0.0), ([5.0], 1, 5.0), ([1.0, 2.0, 3.0, 4.0], 50, 2.0), ([*map(float, range(1, 201))], 99, 198.0)],
)
def test_a_percentile_is_a_value_that_was_seen(ascending: list[float], rank: float, value: float) -> None:
    assert percentile(ascending, rank) == value


@pytest.mark.parametrize(
    ("received", "answer"),
    [
        (OK, Answer(200, b"", last=False)),
        (BULK, Answer(200, b'{"Accepted":7}', last=False)),
        (BUSY, Answer(503, b"busy", last=True)),
    ],
)
def test_the_scanner_finds_an_answer_wherever_it_was_cut(received: bytes, answer: Answer) -> None:
    for cut in range(1, len(received)):
        scanner = Scanner()
        assert scanner.feed(received[:cut]) is None
        assert scanner.feed(received[cut:]) == answer
        assert scanner.feed(received) == answer


@pytest.mark.parametrize(
    ("received", "fault"),
    [
        (OK + OK, "more was received than an answer: b'HTTP/1.1 200"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "without a content-length"),
    ],
)
def test_the_scanner_refuses_what_it_does_not_understand(received: bytes, fault: str) -> None:
    with pytest.raises(BenchError, match=fault):
        Scanner().feed(received)


def test_recovery_is_the_time_to_the_first_window_that_is_normal() -> None:
    normal = [0.010, 0.012, 0.500]
    assert overload.recovery(normal, [0.011, 0.010]) == 0
    assert overload.recovery(normal, [5.0, 0.025, 0.024, 0.010]) == 0.5
    assert overload.recovery(normal, [5.0, 5.0, 5.0]) == 0.75


def test_a_fold_is_timed_while_no_partition_is_at_its_end_and_no_student_is_new() -> None:
    seen = [(0, 0), (10, 10), (20, 20), (40, 30), (60, 50), (100, 60), (100, 100)]
    samples = [group.Sample(float(number), 0.5 * number, at, number > 0) for number, at in enumerate(seen)]
    assert group.speed(samples, [15, 20], [100, 100]) == group.Speed(rate=70 / 2, cpu_us=1 / 70 * 1e6)
    assert group.speed(samples, [100, 100], [100, 100]) == group.Speed(rate=200 / 6, cpu_us=3 / 200 * 1e6)


def test_a_fold_is_not_timed_before_every_replica_is_at_work() -> None:
    seen = [(0, 0), (50, 0), (50, 20), (60, 30), (80, 50), (100, 90)]
    samples = [group.Sample(float(number), 0.0, at, number > 1) for number, at in enumerate(seen)]
    assert group.speed(samples, [0, 0], [100, 100]).rate == 40


def test_a_log_has_each_student_once_in_a_pass_logging_in_and_out_in_turns() -> None:
    job = fill.Job("", "", partitions=3, students=50, events=120)
    updates = [(partition, at, codec.decode(value), key) for partition, at, key, value in fill.updates(job)]
    assert len(updates) == 150
    for turn in range(3):
        states = {update.student_id: update.state for _, _, update, _ in updates[50 * turn :][:50] if update}
        assert len(states) == 50
        assert {*states.values()} == {State(turn % 2)}
    assert all(partition == partition_for(key, 3) for partition, _, _, key in updates)
    times = [at for _, at, _, _ in updates]
    assert times == sorted(times)
    assert times[-1] - times[0] == pytest.approx(3 * 120_000, rel=0.01)


def test_effects_are_matched_with_what_was_sent() -> None:
    seen = watch.Seen([1, 0, 1], [0, 1, 0], [12.5, 13.0, 14.0])
    assert visible.latencies([10.0, 12.0], seen) == [0.5, 3.0]
    with pytest.raises(BenchError, match="1 of 3 updates had no effect"):
        visible.latencies([10.0, 12.0, 13.0], seen)


def test_a_partition_is_taken_over_with_the_first_effect_of_its_new_replica() -> None:
    times = [(9.9, 0), (9.9, 1), (9.9, 2), (10.1, 0), (10.1, 1), (10.4, 2), (16, 0), (17, 1), (17.5, 0), (19, 2)]
    seen = watch.Seen([0] * len(times), [partition for _, partition in times], [time for time, _ in times])
    end = takeover.End("kill", begin=10.0, over=20.0, restored={0: 15.9, 1: 16.5})
    silence = takeover.silence(end, seen)
    assert silence.lost == 7
    assert silence.kept == pytest.approx(8.6)
    with pytest.raises(BenchError, match="no effect after it was taken over"):
        takeover.silence(takeover.End("kill", begin=10.0, over=20.0, restored={1: 18.0}), seen)


def test_a_restoration_lasts_from_the_first_partition_to_the_last_one() -> None:
    def line(second: int, seconds: float) -> replicas.Line:
        return replicas.Line("Restored", datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC), records=5, seconds=seconds)

    lines = [line(10, 4.0), line(11, 6.0), line(12, 1.0)]
    assert replicas.restoration(lines) == replicas.Restoration(records=15, seconds=7.0)


@pytest.mark.parametrize(
    ("numbers", "fault"),
    [
        ((0, 1, 3, 2, 4, 5), None),
        ((0, 1, 4, 3, 2, 5), "3 of 3 chores of key 0 were handled, and wrongly from 1 on"),
        ((0, 1, 2, 4, 5), "2 of 3 chores of key 1 were handled, and wrongly from 1 on"),
        ((0, 1, 2, 3, 3, 4, 5), "4 of 3 chores of key 1 were handled, and wrongly from 2 on"),
        ((0, 1, 2, 3, 4, 5, 5), "4 of 3 chores of key 1 were handled, and wrongly from 3 on"),
    ],
)
async def test_chores_have_to_be_handled_once_and_in_order_of_their_key(
    numbers: tuple[int, ...], fault: str | None
) -> None:
    handling = Handling(Log("log", "", keys=2, records=6))
    handling.begin()
    for number in numbers:
        await handling.handle(Chore(number % 2, number, 0.0))
    assert handling.finished.is_set()
    assert handling.outcome().fault == fault


@pytest.mark.skipif(sys.platform != "linux", reason="CPU time is read from the Linux kernel")
def test_cpu_time_is_that_of_the_whole_tree() -> None:
    burn = "import time\nwhile time.process_time() < 0.2: pass\nprint(flush=True)\ninput()"
    own = process_time()
    with subprocess.Popen([sys.executable, "-c", burn], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert machine.cpu_seconds(child.pid) >= 0.2
        assert machine.cpu_seconds(os.getpid()) >= own + 0.2
        child.communicate(b"\n")


async def test_a_closed_loop_counts_what_was_accepted() -> None:
    async with _server(lambda body: BULK.replace(b"7", str(body.count(b"\n")).encode())) as port:
        job = closed.Job("127.0.0.1", port, os.getpid(), connections=3, seconds=0.1, records=5)
        result = await closed.Loop(requests.posts(5, 2)).run(job)
    assert (result.accepted, result.failures) == (5 * result.answers, {})
    assert result.answers >= 3
    assert 0 < result.p50 <= result.p99 < result.seconds


async def test_a_closed_loop_tells_of_answers_that_are_no_success() -> None:
    async with _server(lambda _: BUSY) as port:
        job = closed.Job("127.0.0.1", port, os.getpid(), connections=2, seconds=30)
        result = await closed.Loop(requests.puts()).run(job)
    assert result.failures == {"503": 2, "connection closed": 2}
    assert result.failure == "busy"


async def test_an_open_loop_accounts_for_every_request() -> None:
    turn = iter(range(1_000_000))
    async with _server(lambda _: BUSY if next(turn) % 3 == 0 else OK) as port:
        phases = [Phase(rate=500, seconds=0.5), Phase(rate=100, seconds=0.25)]
        seen = await opened.Pool(opened.Job("127.0.0.1", port, 50, phases, patience=20)).run()
    for phase, part in zip(phases, seen, strict=True):
        assert part.offered + part.not_offered <= phase.rate * phase.seconds
        assert part.offered == sum(part.answers.values())
        assert part.in_time <= part.answers[200]
        assert part.lost == 0
        assert part.windows == [20] * int(phase.seconds / 0.25)
    assert seen[0].answers.keys() == {200, 503}


async def test_an_open_loop_gives_up_those_that_are_never_answered() -> None:
    async with _server(lambda _: b"") as port:
        job = opened.Job("127.0.0.1", port, 10, [Phase(rate=1000, seconds=0.25)], patience=0.1)
        (seen,) = await opened.Pool(job).run()
    assert (seen.offered, seen.lost, seen.answers) == (10, 10, {})
    assert seen.not_offered > 0
    assert seen.windows == [0.1]


@asynccontextmanager
async def _server(reply: Reply) -> AsyncIterator[int]:
    """Serve replies to the bodies of requests, and hang up after one that says so."""

    serving: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                size = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                answer = reply(await reader.readexactly(size))
                writer.write(answer)
                await writer.drain()
                if answer == BUSY:
                    break
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*filter(None, serving))
