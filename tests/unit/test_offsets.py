from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall_consumer.runtime.effects.offsets import NOTE_LIMIT, ROOM, Unfinished, read_note


def taken(*offsets: int, begin: int = 0) -> Unfinished:
    unfinished = Unfinished(begin)
    for offset in offsets:
        assert unfinished.take(offset, 1)
    return unfinished


def left(unfinished: Unfinished) -> list[int]:
    """Tell which are not finished, by finishing one after the other."""
    found = []
    while len(unfinished):
        found.append(unfinished.watermark)
        unfinished.finish(unfinished.watermark)
    return found


def test_the_watermark_is_the_first_that_is_not_finished() -> None:
    unfinished = taken(10, 11, 12, begin=10)
    assert unfinished.watermark == 10
    unfinished.finish(11)
    assert (unfinished.watermark, unfinished.beyond) == (10, 1)
    unfinished.finish(10)
    assert (unfinished.watermark, unfinished.beyond) == (12, 0)
    unfinished.finish(12)
    assert (unfinished.watermark, unfinished.beyond, unfinished.note()) == (13, 0, "")


def test_of_what_was_noted_only_the_rest_is_taken_again() -> None:
    unfinished = taken(*range(6))
    for offset in (1, 3, 4):
        unfinished.finish(offset)
    again = read_note(0, unfinished.note())
    assert [offset for offset in range(8) if again.take(offset, 1)] == [0, 2, 5, 6, 7]


def test_what_is_gone_meanwhile_is_not_waited_for() -> None:
    unfinished = taken(*range(6))
    for offset in (1, 3, 5):
        unfinished.finish(offset)
    again = read_note(0, unfinished.note())
    assert again.take(2, 1)
    assert again.watermark == 2
    again.skip(6)
    again.finish(2)
    assert again.watermark == 6


def test_offsets_that_have_no_record_are_finished() -> None:
    unfinished = taken(3, 9, begin=0)
    unfinished.skip(20)
    assert (unfinished.watermark, unfinished.position) == (3, 20)
    again = read_note(3, unfinished.note())
    assert (again.position, left(again)) == (20, [3, 9])


@given(
    begin=st.integers(0, 2**40),
    gaps=st.lists(st.one_of(st.integers(0, 3), st.integers(0, 2**34)), min_size=1, max_size=200),
    data=st.data(),
)
def test_a_note_tells_all_that_is_finished(begin: int, gaps: list[int], data: st.DataObject) -> None:
    unfinished, offset, offsets = Unfinished(begin), begin, []
    for gap in gaps:
        offset += gap
        offsets.append(offset)
        assert unfinished.take(offset, 1)
        offset += 1
    finished = data.draw(st.sets(st.sampled_from(offsets)))
    for each in finished:
        unfinished.finish(each)
    again = read_note(unfinished.watermark, unfinished.note())
    assert again.watermark == unfinished.watermark
    assert again.position <= unfinished.position
    assert all(each < again.position for each in finished)
    position = again.position
    assert left(again) == [each for each in offsets if each not in finished and each < position]


@given(seed=st.integers(), far=st.sampled_from([0, 1, 2**28]))
def test_a_note_has_room_whichever_are_finished(seed: int, far: int) -> None:
    unfinished, held = Unfinished(0), list[int]()
    random, offset = Random(seed), 0
    for _ in range(3):
        while unfinished.admits(offset):
            assert unfinished.take(offset, 1)
            held.append(offset)
            offset += 1 + random.randint(0, far)
        random.shuffle(held)
        cut = len(held) // random.randint(1, 4)
        for each in held[:cut]:
            unfinished.finish(each)
        held = held[cut:]
        assert len(unfinished.note()) <= NOTE_LIMIT


def test_it_admits_no_more_than_a_note_has_room_for() -> None:
    close = taken(*range(ROOM))
    assert not close.admits(ROOM)
    close.skip(ROOM + 7)
    assert close.position == ROOM
    close.finish(0)
    assert close.admits(ROOM)
    far = taken(*range(0, 10**9, 10**6))
    assert not far.admits(10**12)
    assert taken(0, 10**12).admits(10**15)


def test_a_key_that_fails_holds_up_others_for_long_only_if_much_waits_for_it() -> None:
    unfinished = Unfinished(0)
    for offset in range(250_000):
        assert unfinished.admits(offset)
        unfinished.take(offset, 1)
        if offset % 100:
            unfinished.finish(offset)
    assert len(unfinished.note()) <= NOTE_LIMIT


@pytest.mark.parametrize("note", ["x", "63:AAAA", "hello", "2:\xff", "9:AAA=", "-1:AAAA"])
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_note(7, note)
