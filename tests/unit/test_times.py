"""Times are written as RFC 3339 has them, and are the ones that they were."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from rollcall_domain.times import write_time

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def test_a_time_is_written_to_the_millisecond() -> None:
    assert write_time(1_795_824_438_076) == "2026-11-28T00:07:18.076Z"


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)))  # noqa: DTZ001 - they are taken for UTC
def test_a_written_time_is_read_as_what_it_was(time: datetime) -> None:
    milliseconds = (time.replace(tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)
    written = write_time(milliseconds)
    assert datetime.fromisoformat(written) == EPOCH + timedelta(milliseconds=milliseconds)
    assert len(written) == len("2026-11-28T00:07:18.076Z")
