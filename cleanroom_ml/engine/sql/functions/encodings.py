"""Hashes of values, and texts that stand for bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.entry import Aggregate, Builder, Function, Scalar, constant_int, constant_text
from cleanroom_ml.engine.sql.tree.dialect import Node, Raw, raw
from cleanroom_ml.engine.sql.tree.equality import key
from cleanroom_ml.engine.sql.tree.fine import is_fine
from cleanroom_ml.engine.sql.tree.kinds import as_bytes, as_text, kind_of
from cleanroom_ml.engine.sql.types import fine
from cleanroom_ml.engine.sql.types.checks import fails
from cleanroom_ml.engine.sql.types.kind import BINARY, TEXT, WHOLE

_SHA2: Final = {224: "_sf_sha224({0})", 256: "unhex(sha256({0}))", 384: "_sf_sha384({0})", 512: "_sf_sha512({0})"}
CANONICAL: Final = (
    "CASE WHEN {0} IS NULL THEN 'x'"
    " WHEN regexp_matches(typeof({0}), '^(DECIMAL|DOUBLE|FLOAT|U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER)') THEN 'n' ||"
    " regexp_replace(regexp_replace(regexp_replace(coalesce(CAST(TRY_CAST(CASE WHEN contains(CAST({0} AS VARCHAR), 'e')"
    " THEN CAST({0} AS VARCHAR) END AS DECIMAL(38, 12)) AS VARCHAR), CAST({0} AS VARCHAR)),"
    " '(\\.[0-9]*?)0+$', '\\1'), '\\.$', ''), '^-0$', '0')"
    " WHEN typeof({0}) = 'VARCHAR' THEN 't' || CAST({0} AS VARCHAR)"
    " ELSE typeof({0}) || CAST({0} AS VARCHAR) END"
)
"""A value as a text that is the same for equal numbers of whichever type (functions/hash.md)."""
_CANONICAL_MOMENT: Final = (
    f"CASE WHEN {{0}} IS NULL THEN 'x' ELSE concat(typeof({fine.MICROS}), CAST({fine.MICROS} AS VARCHAR),"
    f" CASE WHEN {fine.NANOS} <> 0 THEN concat('+', {fine.NANOS}) ELSE '' END) END"
)
"""The same of a moment with nanoseconds: it is equal to one without, where it has none."""


_SIGNED: Final = (
    "CAST(((coalesce({0}, 0) % 18446744073709551616 + 27670116110564327424) % 18446744073709551616)"
    " - 9223372036854775808 AS BIGINT)"
)
"""A sum of hashes, in whichever order they came, as a signed number of 64 bits (functions/hash_agg.md)."""


def hashed_bits(*values: Node) -> Raw:
    """64 bits, as a signed number, that depend on these values only.

    Hashed twice: DuckDB's hash of several values is an exclusive or of theirs, so that two seeds would give numbers
    that are all but the same or the opposite of each other, row by row.
    """
    return raw("CAST(CAST(hash(hash({*})) AS HUGEINT) - 9223372036854775808 AS BIGINT)", *values, kind=WHOLE)


def _hash(args: Sequence[Node]) -> Node:
    """A signed 64-bit number, the same in every session and release: of MD5, and not of DuckDB's own hash. Equal
    numbers have the same one, whatever their types. It is not the number that Snowflake gives.
    """
    listed = [raw(_CANONICAL_MOMENT if is_fine(arg) else CANONICAL, key(arg)) for arg in args]
    whole = " || ".join(f"length({{{n}}}) || ':' || {{{n}}}" for n in range(len(listed)))
    template = f"CAST(CAST(md5_number_lower({whole}) AS HUGEINT) - 9223372036854775808 AS BIGINT)"
    return raw(template, *listed, kind=WHOLE)


def _sha2(binary: bool) -> Builder:
    def build(args: Sequence[Node]) -> Node:
        bits = constant_int(args[1], "SHA2") if len(args) == 2 else 256
        template = _SHA2.get(bits or 256)
        if template is None:
            raise SqlError.bad_value("The digest size of SHA2 is 224, 256, 384 or 512.")
        data = as_bytes(args[0])
        return raw(template, data, kind=BINARY) if binary else raw(f"lower(hex({template}))", data, kind=TEXT)

    return build


def _of_bytes(template: str, kind: str) -> Builder:
    """A template over the bytes of its argument: a BINARY's own, a text's in UTF-8."""
    return lambda args: raw(template, as_bytes(args[0]), kind=BINARY if kind == "BINARY" else TEXT)


def _number(template: str) -> Builder:
    return lambda args: raw(template, as_bytes(args[0]), kind=WHOLE)


def _hex_encode(args: Sequence[Node]) -> Node:
    data = as_bytes(args[0])
    if len(args) == 1:
        return raw("hex({0})", data, kind=TEXT)
    return raw("CASE WHEN {1} = 0 THEN lower(hex({0})) ELSE hex({0}) END", data, args[1], kind=TEXT)


def _alphabet(args: Sequence[Node], at: int, name: str) -> str:
    """The three characters for 62, 63 and padding, where others than `+/=` are asked for."""
    found = constant_text(args[at], name) if len(args) > at else ""
    if len(found) > 3 or not found.isascii() or any(each.isalnum() or each.isspace() for each in found):
        raise SqlError.bad_value(f"The alphabet of {name} is up to three characters: those for 62, 63 and padding.")
    return found + "+/="[len(found) :]


def _base64_encode(args: Sequence[Node]) -> Node:
    """(input, longest line, alphabet)."""
    name = "BASE64_ENCODE"
    longest = constant_int(args[1], name) if len(args) > 1 else 0
    letters = _alphabet(args, 2, name).replace("'", "''")
    text = "base64({0})" if letters == "+/=" else f"translate(base64({{0}}), '+/=', '{letters}')"
    if longest > 0:
        text = f"rtrim(regexp_replace({text}, '(.{{1,{longest}}})', '\\1' || chr(10), 'g'), chr(10))"
    return raw(text, as_bytes(args[0]), kind=TEXT)


def _decoded(encoding: str, *, text: bool, attempt: bool) -> Builder:
    """HEX_DECODE_… and BASE64_DECODE_…: what is no such text is an error, or with TRY_ NULL."""

    def build(args: Sequence[Node]) -> Node:
        given = as_text(args[0])
        if len(args) > 1:
            letters = _alphabet(args, 1, "BASE64_DECODE").replace("'", "''")
            given = raw(f"translate({{0}}, '{letters}', '+/=')", given)
        made = _bytes_of(given, encoding, attempt=attempt)
        if not text:
            return made
        return raw("TRY(decode({0}))" if attempt else "decode({0})", made, kind=TEXT)

    return build


def _bytes_of(given: Node, encoding: str, *, attempt: bool) -> Node:
    """A text as the bytes that it stands for."""
    otherwise = "" if attempt else f" WHEN {{0}} IS NOT NULL THEN {fails('binary')}"
    if encoding == "HEX":
        template = "CASE WHEN regexp_full_match({0}, '([0-9A-Fa-f][0-9A-Fa-f])*') THEN unhex({0})"
    else:
        line = "regexp_replace({0}, '[\\r\\n]', '', 'g')"
        template = (
            f"CASE WHEN regexp_full_match({line}, '[A-Za-z0-9+/]*=?=?') AND length({line}) % 4 = 0"
            f" THEN from_base64({line})"
        )
    return raw(f"{template}{otherwise} END", given, kind=BINARY)


def _to_binary(attempt: bool) -> Builder:
    """(text or VARIANT, format): HEX, BASE64 or UTF-8 (functions/to_binary.md)."""

    def build(args: Sequence[Node]) -> Node:
        layout = constant_text(args[1], "TO_BINARY").upper() if len(args) > 1 else "HEX"
        if layout not in {"HEX", "BASE64", "UTF-8", "UTF8"}:
            raise SqlError.bad_value("The format of TO_BINARY is HEX, BASE64 or UTF-8.")
        if kind_of(args[0]) == BINARY:
            return args[0]
        if layout.startswith("UTF"):
            return raw("encode({0})", as_text(args[0]), kind=BINARY)
        return _bytes_of(as_text(args[0]), layout, attempt=attempt)

    return build


FUNCTIONS: Final[tuple[Function, ...]] = (
    Scalar("MD5 MD5_HEX", sql=_of_bytes("md5({0})", "TEXT"), fine=True),
    Scalar("MD5_BINARY", sql=_of_bytes("unhex(md5({0}))", "BINARY"), fine=True),
    Scalar("MD5_NUMBER_LOWER64", sql=_number("CAST('0x' || substr(md5({0}), 17) AS UBIGINT)"), fine=True),
    Scalar("MD5_NUMBER_UPPER64", sql=_number("CAST('0x' || left(md5({0}), 16) AS UBIGINT)"), fine=True),
    Scalar("SHA1 SHA1_HEX", sql=_of_bytes("sha1({0})", "TEXT"), fine=True),
    Scalar("SHA1_BINARY", sql=_of_bytes("unhex(sha1({0}))", "BINARY"), fine=True),
    Scalar("SHA2 SHA2_HEX", arguments=(1, 2), sql=_sha2(False), fine=True),
    Scalar("SHA2_BINARY", arguments=(1, 2), sql=_sha2(True), fine=True),
    Scalar("HASH", arguments=(1, None), sql=_hash, columns=True, fine=True),
    Aggregate("HASH_AGG", sql="sum({0})", of="HASH", outer=_SIGNED, gives=WHOLE, whole=True),
    Scalar("TO_BINARY", arguments=(1, 2), sql=_to_binary(False)),
    Scalar("TRY_TO_BINARY", arguments=(1, 2), sql=_to_binary(True)),
    Scalar("HEX_ENCODE", arguments=(1, 2), sql=_hex_encode),
    Scalar("HEX_DECODE_STRING", sql=_decoded("HEX", text=True, attempt=False)),
    Scalar("HEX_DECODE_BINARY", sql=_decoded("HEX", text=False, attempt=False)),
    Scalar("TRY_HEX_DECODE_STRING", sql=_decoded("HEX", text=True, attempt=True)),
    Scalar("TRY_HEX_DECODE_BINARY", sql=_decoded("HEX", text=False, attempt=True)),
    Scalar("BASE64_ENCODE", arguments=(1, 3), sql=_base64_encode),
    Scalar("BASE64_DECODE_STRING", arguments=(1, 2), sql=_decoded("BASE64", text=True, attempt=False)),
    Scalar("BASE64_DECODE_BINARY", arguments=(1, 2), sql=_decoded("BASE64", text=False, attempt=False)),
    Scalar("TRY_BASE64_DECODE_STRING", arguments=(1, 2), sql=_decoded("BASE64", text=True, attempt=True)),
    Scalar("TRY_BASE64_DECODE_BINARY", arguments=(1, 2), sql=_decoded("BASE64", text=False, attempt=True)),
)
