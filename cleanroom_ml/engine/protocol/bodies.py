"""Request bodies: bounded before, while and after they are unpacked."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping

from .errors import BAD_REQUEST, WireError, bad_request
from .large_json import HalfCharacterError, LargeJsonError, is_unicode, loads

_GZIP = 16 + zlib.MAX_WBITS
_MAX_DEPTH = 64
_SMALL = 128 << 10


def too_large(limit: int) -> WireError:
    """The refusal of a body of more than `limit` bytes."""
    return bad_request(f"The request is larger than {limit} bytes.", status=413)


def unpack(raw: bytes, encoding: str, limit: int) -> bytes:
    """The plain bytes of a body sent with `Content-Encoding: encoding`.

    Never holds more than `limit` + 1 unpacked bytes, whatever a gzip bomb promises.

    Raises:
        WireError: it is not what it claims to be, or unpacks to more than `limit` bytes.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        if len(raw) > limit:
            raise too_large(limit)
        return raw
    if encoding != "gzip":
        raise bad_request("The request's Content-Encoding is not supported.", status=415)
    unpacker = zlib.decompressobj(_GZIP)
    try:
        plain = unpacker.decompress(raw, limit + 1)
    except zlib.error as error:
        raise bad_request("The request is not valid gzip.") from error
    if len(plain) > limit:
        raise too_large(limit)
    if not unpacker.eof or unpacker.unused_data:
        raise bad_request("The request is not one whole gzip member.")
    return plain


def unpacked_size(raw: bytes, encoding: str, limit: int) -> int:
    """How many bytes a body says that it unpacks to. One that unpacks to more is refused by `unpack` with this limit.

    Raises:
        WireError: it is more than `limit`.
    """
    size = int.from_bytes(raw[-4:], "little") if encoding.strip().lower() == "gzip" else len(raw)
    if size > limit:
        raise too_large(limit)
    return size


def parse_object(plain: bytes, *, tick: Callable[[], None] = lambda: None) -> dict[str, object]:
    """The JSON object of a body; an empty body is an empty object. `tick` is called now and then where it is large.

    Raises:
        WireError: it is not JSON, not an object, or nested deeper than any client sends; or a text in it is not
            Unicode: half a surrogate pair is a string to JSON and to Python, and to nothing else that it would get to.
    """
    if not plain:
        return {}
    if len(plain) <= _SMALL and _depth_exceeds(plain, _MAX_DEPTH):
        raise bad_request("The request's JSON is nested too deeply.")
    try:
        value = json.loads(plain) if len(plain) <= _SMALL else loads(plain.decode("utf-8"), depth=_MAX_DEPTH, tick=tick)
    except HalfCharacterError as error:
        raise _not_unicode() from error
    except LargeJsonError as error:
        raise bad_request(f"The request is not valid JSON: {error}.") from error
    except (ValueError, RecursionError) as error:
        raise bad_request("The request is not valid JSON.") from error
    if not isinstance(value, dict):
        raise bad_request("The request is not a JSON object.")
    if len(plain) <= _SMALL and _may_hold_half_characters(plain) and not _is_unicode(value):
        raise _not_unicode()
    return value


def encoded(answer: Mapping[str, object]) -> bytes:
    """The body of an answer."""
    return json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def text(body: dict[str, object], key: str, *, limit: int = 4096) -> str | None:
    """`body[key]` as text; None where it is absent or null.

    Raises:
        WireError: it is something else than text, or longer than `limit` characters.
    """
    value = body.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise bad_request(f"{key} is not text.")
    if len(value) > limit:
        raise bad_request(f"{key} is too long.")
    return value


def section(body: dict[str, object], key: str) -> dict[str, object]:
    """`body[key]` as an object; empty where it is absent or null.

    Raises:
        WireError: it is something else.
    """
    value = body.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise bad_request(f"{key} is not an object.")
    return value


def _not_unicode() -> WireError:
    # Not 400: the connector would send the same again, for minutes.
    return WireError(
        BAD_REQUEST, "The request has a text that is not Unicode (half a surrogate pair).", sqlstate="22021"
    )


def _may_hold_half_characters(plain: bytes) -> bool:
    """As an escape; or as it would be in UTF-8, which Python's reader of JSON lets pass."""
    return b"\\u" in plain or b"\xed" in plain


def _is_unicode(value: object) -> bool:
    if isinstance(value, str):
        return is_unicode(value)
    if isinstance(value, dict):
        return all(is_unicode(key) and _is_unicode(item) for key, item in value.items())
    return all(map(_is_unicode, value)) if isinstance(value, list) else True


def _depth_exceeds(plain: bytes, limit: int) -> bool:
    """Whether brackets outside of strings nest deeper than `limit`; counts only where there are that many at all."""
    if plain.count(b"[") + plain.count(b"{") <= limit:
        return False
    depth = 0
    in_string = escaped = False
    for byte in plain:
        if in_string:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                in_string = False
        elif byte == 0x22:
            in_string = True
        elif byte in (0x5B, 0x7B):
            depth += 1
            if depth > limit:
                return True
        elif byte in (0x5D, 0x7D):
            depth -= 1
    return False
