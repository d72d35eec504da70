"""Messages as server-sent events, framed as parts of an answer."""

import msgspec

from rollcall_producer.exchange import chunk

RETRY = chunk(b"retry: 1000\n\n")
"""Has browsers connect again after a second, wherever they get through."""

SILENCE = chunk(b":\n\n")
"""Keeps a connection alive where there is no place to tell yet."""


def message(identity: bytes, event: bytes, data: bytes) -> bytes:
    """Write a message.

    Args:
        identity: The id of the place behind it.
        event: What kind it is.
        data: What it says: JSON on one line.
    """
    return chunk(b"id: %b\nevent: %b\ndata: %b\n\n" % (identity, event, data))


def remark(event: bytes, text: str) -> bytes:
    """Write a message about the stream itself. It has no id: for who reads it, the stream is where it was."""
    return chunk(b"event: %b\ndata: %b\n\n" % (event, detail(text)))


def detail(text: str) -> bytes:
    """Write the data of a message about the stream itself."""
    return msgspec.json.encode({"Detail": text})


def heartbeat(identity: bytes) -> bytes:
    """Write a message that says nothing but where the stream is."""
    return chunk(b":\nid: %b\n\n" % identity)


def identity_of(written: bytes) -> bytes:
    """Give the id of a message, or of a heartbeat."""
    begin = written.index(b"id: ") + 4
    return written[begin : written.index(b"\n", begin)]


def identified(written: bytes, identity: bytes) -> bytes:
    """Give a message another id."""
    begin = written.index(b"\n", written.index(b"id: "))
    return chunk(b"id: %b%b" % (identity, written[begin:-2]))


SLOW = remark(b"slow", "you did not read fast enough; go on from the last id, or begin anew")
"""The last message to a viewer who is behind for too long."""
