"""Compressed bodies: what comes out is what went in, and never more than is allowed."""

import gzip
import zlib
from collections.abc import Iterator
from http import HTTPStatus

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from rollcall_producer import inflate
from rollcall_producer.problems import Problem
from support import inputs

LIMIT = 5000
PIECE = 700
"""Bytes that come out at a time here, so that there are several pieces."""

contents = st.one_of(
    st.binary(max_size=50),
    st.integers(0, 2 * LIMIT).map(bytes),
    st.builds(lambda unit, times: unit * times, st.binary(min_size=1, max_size=30), st.integers(0, 200)),
    st.integers(0, 2**32).map(lambda seed: b"".join(b"%x" % (seed * n * n) for n in range(300))),
)
encodings = st.sampled_from(["gzip", "x-gzip", "zstd", "GZIP "])


def _compress(encoding: str, data: bytes, level: int) -> bytes:
    return zstd.compress(data, level=level) if encoding == "zstd" else gzip.compress(data, compresslevel=level)


def prepare(patch: pytest.MonkeyPatch) -> None:
    """Make limits small, so that inputs come to them."""
    patch.setattr(inflate, "PIECE", PIECE)


@pytest.fixture(scope="module", autouse=True)
def _small_pieces() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        prepare(patch)
        yield


def _inflate(encoding: str, pieces: list[bytes]) -> tuple[bytes, Problem | None]:
    """Inflate a body, as far as it can be."""
    whole = b""
    try:
        reader = inflate.body(encoding, LIMIT)
        for data in pieces:
            for piece in reader.feed(data):
                assert len(piece) <= PIECE
                whole += piece
        reader.end()
    except Problem as problem:
        return whole, problem
    return whole, None


@given(st.data(), encodings)
def test_what_was_compressed_comes_out_again_up_to_the_limit(data: st.DataObject, encoding: str) -> None:
    frames = data.draw(st.lists(contents, max_size=3))
    level = data.draw(st.integers(1, 9))
    body = b"".join(_compress(encoding, frame, level) for frame in frames)
    meant = b"".join(frames)
    came, problem = _inflate(encoding, data.draw(inputs.cuts(body)))
    if len(meant) <= LIMIT:
        assert (came, problem) == (meant, None)
    else:
        assert meant.startswith(came)
        assert LIMIT - PIECE < len(came) <= LIMIT
        assert problem is not None
        assert (problem.status, problem.kind) == (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body-too-large")


@given(st.data(), encodings)
def test_a_body_that_is_cut_short_is_told_to_end_early(data: st.DataObject, encoding: str) -> None:
    content = data.draw(st.binary(max_size=200) | st.integers(0, LIMIT).map(bytes))
    body = _compress(encoding, content, 3)
    short = body[: data.draw(st.integers(1, len(body) - 1))]
    came, problem = _inflate(encoding, data.draw(inputs.cuts(short)))
    assert content.startswith(came)
    assert problem is not None
    assert (problem.kind, problem.detail) == ("malformed-body", "the compressed body ends early")


@given(st.data(), encodings)
def test_damage_is_found_or_harmless_and_never_lets_more_out(data: st.DataObject, encoding: str) -> None:
    whole = contents.map(lambda content: _compress(encoding, content, 3))
    body = data.draw(inputs.damaged(whole) | st.binary(max_size=60))
    came, problem = _inflate(encoding, data.draw(inputs.cuts(body)))
    assert len(came) <= LIMIT
    assert problem is None or problem.kind in ("malformed-body", "body-too-large")
    at_once, alike = _inflate(encoding, [body])
    assert (alike is None, at_once) == (problem is None, came) or problem is not None


@given(st.binary(max_size=20).map(lambda name: name.decode("latin-1")))
def test_other_encodings_are_refused(name: str) -> None:
    if name.strip().lower() in ("identity", "gzip", "x-gzip", "zstd"):
        inflate.body(name, LIMIT)
    else:
        with pytest.raises(Problem) as caught:
            inflate.body(name, LIMIT)
        assert caught.value.status is HTTPStatus.UNSUPPORTED_MEDIA_TYPE


def test_a_small_body_does_not_become_a_large_one() -> None:
    bomb = zlib.compressobj(9, wbits=31)
    body = b"".join(bomb.compress(bytes(1024 * 1024)) for _ in range(64)) + bomb.flush()
    came, problem = _inflate("gzip", [body])
    assert len(came) <= LIMIT
    assert problem is not None
