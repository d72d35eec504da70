"""Requests that are at fault, over raw sockets: each is told why, none harms the next."""

from collections import Counter
from typing import NamedTuple

from support.load import count_students
from support.raw import Answer, connect, put
from support.services import Environment, producer

GOOD = b'{"StudentId":"s-1","State":"LoggedIn"}'


class Case(NamedTuple):
    """A request as bytes, the status of its answer, and a word that its problem must hold."""

    name: str
    request: bytes
    status: int
    word: str


def update(student_id: bytes = b'"s-1"', state: bytes = b'"LoggedIn"') -> bytes:
    return put(b'{"StudentId":' + student_id + b',"State":' + state + b"}")


def typed(content_type: bytes) -> bytes:
    return put(GOOD, headers=b"Content-Type: " + content_type + b"\r\n")


CHUNKED = (
    b"PUT /Record/Update HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
)
START = b"PUT /Record/Update HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"

CASES = [
    # What is not HTTP.
    Case("noise", b"\x00\x01\x02\x03\r\n\r\n", 400, "Invalid HTTP"),
    Case("a version of nonsense", b"PUT /Record/Update HTTP/x\r\n\r\n", 400, "Invalid HTTP"),
    Case("a TLS greeting", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "Invalid HTTP"),
    Case("a method of nonsense", b"P\xffT / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "Invalid HTTP"),
    Case("a header without a colon", b"GET / HTTP/1.1\r\nHost x\r\n\r\n", 400, "Invalid HTTP"),
    Case("a length that is no number", START + b"Content-Length: ten\r\n\r\n", 400, "Invalid HTTP"),
    Case("a negative length", START + b"Content-Length: -1\r\n\r\n", 400, "Invalid HTTP"),
    Case("two lengths", START + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400, "Invalid HTTP"),
    Case("length and chunks", CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\n"), 400, "Invalid HTTP"),
    Case("a chunk size of nonsense", CHUNKED + b"xyz\r\n", 400, "Invalid HTTP"),
    # What leads nowhere.
    Case("two slashes first", put(GOOD, path=b"//Record/Update"), 404, "//Record/Update"),
    Case("another path", put(GOOD, path=b"/Record/Delete"), 404, "/Record/Delete"),
    Case("a slash too many", put(GOOD, path=b"/Record/Update/"), 404, "/Record/Update/"),
    Case("a path out of the tree", put(GOOD, path=b"/../../etc/passwd"), 404, "nothing at"),
    Case("GET", b"GET /Record/Update HTTP/1.1\r\nHost: x\r\n\r\n", 405, "not GET"),
    Case("POST", put(GOOD).replace(b"PUT", b"POST", 1), 405, "not POST"),
    Case("DELETE", b"DELETE /Record/Update HTTP/1.1\r\nHost: x\r\n\r\n", 405, "not DELETE"),
    # What is not declared as JSON in UTF-8.
    Case("no content type", put(GOOD, headers=b""), 415, "missing"),
    Case("a form", typed(b"application/x-www-form-urlencoded"), 415, "x-www-form-urlencoded"),
    Case("plain text", typed(b"text/plain"), 415, "text/plain"),
    Case("broken parameters", typed(b"text/plain; charset*0=a; charset*=b; =;;"), 415, "text/plain"),
    Case("UTF-16", typed(b"application/json; charset=utf-16"), 415, "charset"),
    Case("gzip", put(GOOD, headers=b"Content-Type: application/json\r\nContent-Encoding: gzip\r\n"), 415, "compressed"),
    # What is too large.
    Case("a body over 64 KiB", put(b" " * 65_537), 413, "65536"),
    Case("a length of many digits", START + b"Content-Length: 99999999999999999\r\n\r\n", 413, "65536"),
    Case("chunks over 64 KiB", CHUNKED + b"8000\r\n" + b" " * 0x8000 + (b"\r\n8001\r\n" + b" " * 0x8001), 413, "65536"),
    # What is not JSON.
    Case("an empty body", put(b""), 400, "empty"),
    Case("half an object", put(GOOD[:-5]), 400, "not JSON"),
    Case("two objects", put(GOOD + GOOD), 400, "not JSON"),
    Case("single quotes", put(GOOD.replace(b'"', b"'")), 400, "not JSON"),
    Case("broken UTF-8", update(b'"\xc3\x28"'), 400, "not UTF-8"),
    Case("half a surrogate pair", update(b'"\\ud800"'), 400, "surrogate"),
    Case("60,000 brackets", put(b"[" * 60_000), 400, "nested"),
    Case("NaN", update(state=b"NaN"), 400, "not JSON"),
    # What is JSON, but no update.
    Case("an array", put(b"[" + GOOD + b"]"), 422, "JSON object"),
    Case("null", put(b"null"), 422, "JSON object"),
    Case("no StudentId", put(b'{"State":"LoggedIn"}'), 422, "StudentId is missing"),
    Case("no State", put(b'{"StudentId":"s-1"}'), 422, "State is missing"),
    Case("one property too many", put(GOOD[:-1] + b',"Admin":true}'), 422, "Admin"),
    Case("an empty StudentId", update(b'""'), 422, "StudentId is empty"),
    Case("a StudentId of 257 bytes", update(b'"' + b"x" * 257 + b'"'), 422, "StudentId takes 257 bytes"),
    Case("a StudentId with a bell", update(b'"\\u0007"'), 422, "StudentId holds a control character"),
    Case("a StudentId of null", update(b"null"), 422, "StudentId must be a string"),
    Case("a State of 0", update(state=b"0"), 422, "State must be"),
    Case("a State in lower case", update(state=b'"loggedin"'), 422, "State must be"),
    Case("a State of 5,000 digits", update(state=b"9" * 5000), 422, "out of range"),
    Case("a State that is huge", update(state=b"1e999"), 422, "out of range"),
    Case("a State of 300 digits", update(state=b"9" * 300), 422, "State must be"),
]


async def test_each_request_at_fault_is_told_why_and_harms_nobody(environment: Environment) -> None:
    async with producer(environment) as service:
        await service.ready()
        answers = {case: await _ask(service.url, case.request) for case in CASES}
        assert [fault for case, answer in answers.items() if (fault := _fault(case, answer))] == []
        assert (await _ask(service.url, put(GOOD))).status == 200
        assert not [event for event in service.events if event.get("level") == "error"]


async def test_what_comes_behind_or_beside_an_update_does_not_harm_it(environment: Environment) -> None:
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
    requests = {
        "noise behind it": update(b'"a"') + b"\x00\x01\r\n\r\n",
        "half a request behind it": update(b'"b"') + b"\r\nX",
        "an offer of HTTP/2": update(b'"c"').replace(b"Host: x\r\n", b"Host: x\r\n" + upgrade),
        "broken parameters": put(GOOD, headers=b"Content-Type: application/json; charset*0=a; charset*=b; =\r\n"),
    }
    async with producer(environment) as service:
        await service.ready()
        statuses = {name: (await _ask(service.url, request)).status for name, request in requests.items()}
        statuses["no more to send"] = (await _ask(service.url, update(b'"d"'), finish=True)).status
    assert set(statuses.values()) == {200}, statuses
    assert await count_students(environment) == Counter(["a", "b", "c", "d", "s-1"])


def _fault(case: Case, answer: Answer) -> str | None:
    told = answer.status == case.status == answer.problem["status"] and case.word in answer.problem["detail"]
    return None if told else f"{case.name}: {answer}"


async def _ask(url: str, request: bytes, *, finish: bool = False) -> Answer:
    async with connect(url) as connection:
        connection.write(request)
        if finish:
            connection.finish()
        return await connection.answer()
