from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib

import pytest

from cleanroom_ml.engine.protocol.bodies import parse_object, text, unpack
from cleanroom_ml.engine.protocol.errors import WireError


def test_a_gzip_body_is_unpacked() -> None:
    assert unpack(gzip.compress(b'{"a": 1}', mtime=0), "gzip", 100) == b'{"a": 1}'


@pytest.mark.attack
def test_a_gzip_bomb_is_refused_without_being_unpacked() -> None:
    bomb = gzip.compress(b"0" * (200 << 20), mtime=0)
    assert len(bomb) < 1 << 20
    tracemalloc.start()
    try:
        with pytest.raises(WireError) as refused:
            unpack(bomb, "gzip", 1 << 20)
        assert refused.value.status == 413
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.attack
def test_the_bomb_does_go_off_without_the_limit() -> None:
    """What the limit is for: the standard library's own function unpacks it all."""
    bomb = gzip.compress(b"0" * (20 << 20), mtime=0)
    tracemalloc.start()
    try:
        gzip.decompress(bomb)
        assert tracemalloc.get_traced_memory()[1] > 20 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        (b"not gzip", "gzip"),
        (gzip.compress(b"{}", mtime=0)[:-4], "gzip"),
        (gzip.compress(b"{}", mtime=0) + b"more", "gzip"),
        (zlib.compress(b"{}"), "deflate"),
        (b"x" * 101, ""),
    ],
)
def test_what_is_not_one_whole_body_is_refused(raw: bytes, encoding: str) -> None:
    with pytest.raises(WireError):
        unpack(raw, encoding, 100)


@pytest.mark.parametrize("body", [b"[]", b"1", b"{", b"\xff", b'{"a":' * 100 + b"1" + b"}" * 100, b"[" * 200_000])
def test_what_is_not_a_plain_object_is_refused(body: bytes) -> None:
    with pytest.raises(WireError):
        parse_object(body)


def test_brackets_inside_of_text_are_not_depth() -> None:
    value = {"sql": '[{"\\' * 1000}
    assert parse_object(json.dumps(value).encode()) == value


def test_text_is_text_and_bounded() -> None:
    assert text({}, "a") is None
    with pytest.raises(WireError):
        text({"a": 1}, "a")
    with pytest.raises(WireError):
        text({"a": "x" * 11}, "a", limit=10)


HALVES = [
    rb'"\ud800"',
    rb'"a\udfffb"',
    rb'"\ud800\ud800"',
    b'"\xed\xa0\x80"',
    rb'["x", {"y": ["\ud83d"]}]',
    rb'{"\ud800": 1}',
]


@pytest.mark.attack
@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("half", HALVES)
def test_a_text_with_half_a_character_is_refused(half: bytes, large: bool) -> None:
    """Nothing behind can write it down: statements failed without an end, as their error could not be recorded."""
    filling = b" " * (200_000 if large else 0)
    with pytest.raises(WireError) as refused:
        parse_object(b'{"sqlText": ' + half + filling + b"}")
    assert refused.value.status == (400 if large and b"\xed" in half else 200)


@pytest.mark.parametrize("filling", [b"", b" " * 200_000])
def test_characters_beyond_the_first_plane_are_whole(filling: bytes) -> None:
    plain = rb'{"a": "\ud83d\ude00 \u00e9", "b": "\ufffd"' + filling + b"}"
    assert parse_object(plain) == {"a": "\U0001f600 \u00e9", "b": "\ufffd"}
    assert parse_object('{"a": "\ud55c\U0001f600"}'.encode()) == {"a": "\ud55c\U0001f600"}
