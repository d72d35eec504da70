import pytest

from rollcall_domain.codec import decode, encode
from rollcall_domain.errors import Reason, UnreadableRecordError
from rollcall_domain.events import State, StudentRecordUpdate


@pytest.mark.parametrize(
    ("update", "value"),
    [
        (StudentRecordUpdate("s-1", State.LoggedIn), b'{"StudentId":"s-1","State":0}'),
        (StudentRecordUpdate("s-1", State.LoggedOut), b'{"StudentId":"s-1","State":1}'),
        (StudentRecordUpdate('é"\\', State.LoggedIn), '{"StudentId":"é\\"\\\\","State":0}'.encode()),
    ],
)
def test_writes_the_golden_bytes_and_reads_them_back(update: StudentRecordUpdate, value: bytes) -> None:
    assert encode(update) == value
    assert decode(value) == update


@pytest.mark.parametrize(
    "value",
    [
        b'{"State":1,"StudentId":"s-1"}',
        b' {\n"StudentId" : "s-1",\t"State" : 1 }\r\n',
        b'{"StudentId":"s-1","State":1,"Room":{"Floor":[1,2]}}',
        b'{"StudentId":"\\u0073-1","State":1}',
    ],
)
def test_reads_any_order_white_space_and_unknown_properties(value: bytes) -> None:
    assert decode(value) == StudentRecordUpdate("s-1", State.LoggedOut)


@pytest.mark.parametrize("value", [None, b""])
def test_reads_nothing_from_a_null_or_empty_value(value: bytes | None) -> None:
    assert decode(value) is None


@pytest.mark.parametrize(
    ("value", "reason", "detail"),
    [
        (b"hello", Reason.NOT_JSON, "malformed"),
        (b'{"StudentId":"s-1","State":0', Reason.NOT_JSON, "truncated"),
        (b'{"StudentId":"\xff","State":0}', Reason.NOT_JSON, "utf-8"),
        (b'{"StudentId":"\\ud800","State":0}', Reason.NOT_JSON, "surrogate"),
        (b'{"x":' + b"[" * 100_000, Reason.NOT_JSON, "recursion"),
        (b"[]", Reason.NOT_AN_UPDATE, "`object`"),
        (b"null", Reason.NOT_AN_UPDATE, "`object`"),
        (b'{"StudentId":"s-1"}', Reason.NOT_AN_UPDATE, "`State`"),
        (b'{"studentid":"s-1","State":0}', Reason.NOT_AN_UPDATE, "`StudentId`"),
        (b'{"StudentId":"s-1","State":2}', Reason.NOT_AN_UPDATE, "$.State"),
        (b'{"StudentId":"s-1","State":"LoggedIn"}', Reason.NOT_AN_UPDATE, "$.State"),
        (b'{"StudentId":7,"State":0}', Reason.NOT_AN_UPDATE, "$.StudentId"),
        (b'{"StudentId":"","State":0}', Reason.INVALID_STUDENT_ID, "StudentId is empty"),
        (b'{"StudentId":"\\u0007","State":0}', Reason.INVALID_STUDENT_ID, "control character"),
        (b'{"StudentId":"' + b"x" * 257 + b'","State":0}', Reason.INVALID_STUDENT_ID, "257 bytes"),
    ],
)
def test_names_what_is_wrong_with_anything_else(value: bytes, reason: Reason, detail: str) -> None:
    with pytest.raises(UnreadableRecordError) as caught:
        decode(value)
    assert caught.value.reason is reason
    assert detail in caught.value.detail


@pytest.mark.parametrize("student_id", ["x" * 256, "é" * 128, "🎓" * 64, " ", "\u200b", "\u2028", "a/b?c#d"])
def test_a_student_id_is_any_text_of_256_bytes(student_id: str) -> None:
    update = StudentRecordUpdate(student_id, State.LoggedIn)
    assert decode(encode(update)) == update


@pytest.mark.parametrize("student_id", ["é" * 129, "🎓" * 65, "\x00", "a\nb", "\x7f", "\x85"])
def test_a_student_id_has_bounds(student_id: str) -> None:
    with pytest.raises(UnreadableRecordError, match="invalid-student-id"):
        decode(encode(StudentRecordUpdate(student_id, State.LoggedIn)))
