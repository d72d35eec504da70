"""Which batches of what a broker gives are looked into."""

import pytest
from aiokafka.errors import RecordTooLargeError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from rollcall_domain import codec
from rollcall_domain.events import State, StudentRecordUpdate
from rollcall_producer.past.archive import sift
from rollcall_producer.past.student import sieve

_PLAIN, _GZIP = 0, 1


def _batch(*values: bytes, compression: int = _PLAIN) -> bytes:
    builder = BatchBuilder(100_000, compression, is_transactional=False)
    for value in values:
        builder.append(timestamp=1, key=None, value=value)
    return bytes(builder._build())  # noqa: SLF001 - no public way to its bytes


def _update(student_id: str) -> bytes:
    return codec.encode(StudentRecordUpdate(student_id, State.LoggedIn))


def _values(data: bytes) -> list[bytes]:
    records, found = MemoryRecords(data), []
    while records.has_next():
        found += [record.value for record in records.next_batch()]
    return found


def test_batches_that_may_hold_a_student_are_kept_and_others_are_not() -> None:
    batches = [_batch(_update("s-1"), _update("s-2")), _batch(_update("s-3")), _batch(_update("s-2"))]
    kept, _ = sift(b"".join(batches), sieve("s-2"))
    assert kept == batches[0] + batches[2]


def test_nothing_is_kept_where_nothing_is_wanted_and_it_is_known_how_far_that_reaches() -> None:
    assert sift(_batch(_update("s-1"), _update("s-1"), _update("s-1")), sieve("s-2")) == (b"", 3)
    assert sift(b"", sieve("s-2")) == (b"", -1)


@pytest.mark.parametrize("value", [rb'{"StudentId":"\u0073-2","State":0}', rb'{"StudentId":"Zo\u00eb","State":0}'])
def test_an_id_that_is_written_with_escapes_may_be_any(value: bytes) -> None:
    batch = _batch(value)
    assert sift(batch, sieve("s-2"))[0] == batch


@pytest.mark.parametrize("student", ['a"b', "a\\b", "a/b"])
def test_an_id_that_may_be_written_in_a_shorter_way_is_looked_for_everywhere(student: str) -> None:
    batch = _batch(_update("s-1"))
    assert sift(batch, sieve(student))[0] == batch


def test_what_is_compressed_is_always_looked_into() -> None:
    batch = _batch(_update("s-1"), compression=_GZIP)
    kept, _ = sift(batch, sieve("s-2"))
    assert _values(kept) == [_update("s-1")]


def test_a_batch_that_is_cut_off_is_left_for_the_next_time() -> None:
    first, second = _batch(_update("s-1")), _batch(_update("s-1"))
    for size in (1, 60, len(second) - 1):
        assert sift(first + second[:size], sieve("s-1")) == (first, 1)


def test_a_batch_that_does_not_fit_by_itself_is_an_error() -> None:
    with pytest.raises(RecordTooLargeError):
        sift(_batch(_update("s-1"))[:-1], sieve("s-1"))
