from datetime import UTC, datetime, timedelta

import pytest

from rollcall_domain.place import Edge, Place, parse_place

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("beginning", Edge.BEGINNING),
        ("latest", Edge.LATEST),
        ("-30s", NOW - timedelta(seconds=30)),
        ("-2m", NOW - timedelta(minutes=2)),
        ("-3h", NOW - timedelta(hours=3)),
        ("-1d", NOW - timedelta(days=1)),
        ("2026-11-23T10:00Z", datetime(2026, 11, 23, 10, 0, tzinfo=UTC)),
        ("2026-11-23T11:00:00+01:00", datetime(2026, 11, 23, 10, 0, tzinfo=UTC)),
    ],
)
def test_reads_places_as_people_name_them(text: str, place: Place) -> None:
    assert parse_place(text, NOW) == place


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("yesterday", "is not beginning, latest"),
        ("2m", "is not beginning, latest"),
        ("-99999999d", "too far back"),
        ("2026-11-23T10:00", "offset from UTC"),
    ],
)
def test_says_what_a_place_is_when_it_is_none(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse_place(text, NOW)
