"""The parser of server-sent events, held against what the HTML standard has of them."""

from typing import Any

from support.services import Environment, producer
from support.windows import Windows

PARSE = """async (pieces) => {
    const { Parser } = await import("/page/sse.js");
    const parser = new Parser("before");
    return { messages: pieces.flatMap((piece) => parser.push(piece)), lastId: parser.lastId };
}"""

AWAY = Environment("127.0.0.1:1", "")
"""Where there is no Kafka: the page's files do not need it."""

STREAM = (
    "\ufeffretry: 1000\n\n"
    ": a comment\n\n"
    'id: 1\nevent: event\ndata: {"a":1}\n\n'
    "data: one\rdata:two\r\rdata:  three\r\n\r\n"
    "id: 2\n\n"
    "event: state\n\n"
    "data\n\n"
    "id: bad\0\ndata: x\nunknown: y\n\n"
    "id\ndata: é\u2028ü\n\n"
    "id: 3\ndata: never ended"
)

MESSAGES = [
    ("event", '{"a":1}', "1"),
    ("message", "one\ntwo", "1"),
    ("message", " three", "1"),
    ("message", "", "2"),
    ("message", "x", "2"),
    ("message", "é\u2028ü", ""),
]


async def _parse(windows: Windows, pieces: list[list[str]]) -> list[Any]:
    async with producer(AWAY, views=True) as api:
        await api.event(lambda event: event["event"] == "Serving HTTP")
        window = await windows.blank()
        await window.page.goto(f"{api.url}/page/icon.svg")
        return [await window.page.evaluate(PARSE, each) for each in pieces]


async def test_messages_are_the_same_wherever_the_stream_is_cut(windows: Windows) -> None:
    whole = [STREAM]
    halves = [[STREAM[:cut], STREAM[cut:]] for cut in range(1, len(STREAM))]
    letters = list(STREAM)
    for parsed in await _parse(windows, [whole, *halves, letters]):
        assert [(one["event"], one["data"], one["id"]) for one in parsed["messages"]] == MESSAGES
        assert parsed["lastId"] == ""


async def test_the_last_id_is_that_of_what_was_complete(windows: Windows) -> None:
    last_ids = {
        "data: x\n\n": "before",
        "id: 7\n\n": "7",
        "id: 7\n": "before",
        "id: 7\ndata: x\n": "before",
        "id\n\n": "",
    }
    parsed = await _parse(windows, [[stream] for stream in last_ids])
    assert [one["lastId"] for one in parsed] == [*last_ids.values()]
