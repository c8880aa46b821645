"""Hashes of values, and texts that stand for bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.entry import Function, Scalar
from cleanroom_ml.engine.sql.tree.dialect import Node, Raw, raw
from cleanroom_ml.engine.sql.types.kind import TEXT, WHOLE


def hashed_bits(*values: Node) -> Raw:
    """64 bits, as a signed number, that depend on these values only.

    Hashed twice: DuckDB's hash of several values is an exclusive or of theirs, so that two seeds would give numbers
    that are all but the same or the opposite of each other, row by row.
    """
    return raw("CAST(CAST(hash(hash({*})) AS HUGEINT) - 9223372036854775808 AS BIGINT)", *values, kind=WHOLE)


def _sha2(args: Sequence[Node]) -> Node:
    if len(args) == 2 and not (isinstance(args[1], exp.Literal) and args[1].this in {"0", "256"}):
        raise SqlError.unsupported("SHA2 with another length than 256")
    return raw("sha256({0})", args[0], kind=TEXT)


FUNCTIONS: Final[tuple[Function, ...]] = (
    Scalar("MD5 MD5_HEX", sql="md5({0})", takes=TEXT, gives=TEXT),
    Scalar("SHA1 SHA1_HEX", sql="sha1({0})", takes=TEXT, gives=TEXT),
    Scalar("SHA2 SHA2_HEX", arguments=(1, 2), sql=_sha2, takes=(TEXT, None)),
    Scalar("HASH", arguments=(1, None), sql=lambda args: hashed_bits(*args)),
    Scalar("TO_BINARY", sql="unhex({0})", takes=TEXT),
    Scalar(
        "HEX_ENCODE",
        arguments=(1, 2),
        sql=("hex({0})", "CASE WHEN {1} = 0 THEN lower(hex({0})) ELSE hex({0}) END"),
        takes=(TEXT, None),
        gives=TEXT,
    ),
    Scalar("BASE64_ENCODE", sql="base64(encode({0}))", takes=TEXT, gives=TEXT),
    Scalar("BASE64_DECODE_STRING", sql="decode(from_base64({0}))", takes=TEXT, gives=TEXT),
)
