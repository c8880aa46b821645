"""Values that are made: random ones, and numbers of rows."""

from __future__ import annotations

import secrets
import string
from collections.abc import Sequence
from functools import partial
from itertools import accumulate
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.encodings import hashed_bits
from cleanroom_ml.engine.sql.functions.entry import Function, Scalar, constant_int
from cleanroom_ml.engine.sql.numbers import number_of
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.kinds import as_text
from cleanroom_ml.engine.sql.types.kind import FLOAT, TEXT, WHOLE, Kind, Number

_LETTERS_AND_DIGITS: Final = string.digits + string.ascii_letters
_NORMAL: Final = (
    "({0} + {1} * sqrt(-2 * ln((CAST(hash({2}) >> 12 AS DOUBLE) + 1) / 4503599627370497))"
    " * cos(2 * pi() * (CAST(hash(hash({2}, 1)) >> 12 AS DOUBLE) / 4503599627370496)))"
)
_RANDOM_TEXT: Final = (
    f"coalesce(list_aggregate(list_transform(range(CAST({{0}} AS BIGINT)), lambda _i: substr('{_LETTERS_AND_DIGITS}',"
    " 1 + CAST(hash(hash({1}, _i)) % 62 AS BIGINT), 1)), 'string_agg', ''),"
    " CASE WHEN {0} IS NOT NULL THEN '' END)"
)
"""RANDSTR(length, generator): letters and digits; the same ones for the same number. Of length 0: an empty text."""


def _random(args: Sequence[Node]) -> Node:
    """64 random bits. With a seed: the same ones for the same row number."""
    return hashed_bits(raw("row_number() OVER ()"), args[0]) if args else hashed_bits(raw("random()"))


def _numbered_random(row: Node, args: Sequence[Node]) -> Node:
    """RANDOM() over a GENERATOR: a hash of its row's number, so that `random() AS a, a + a AS b` may use the alias
    (DuckDB refuses to read an alias of its own random() a second time).
    """
    return hashed_bits(row, args[0] if args else exp.Literal.number(secrets.randbits(62)))


def _numbered_sequence(row: Node, args: Sequence[Node], *, bits: int, kind: Kind) -> Node:
    """SEQ4() over a GENERATOR: the number of its row, which unlike a window function may stand anywhere. After the
    largest number of so many bits it goes on at 0, or with an argument of 1 at the least one (functions/seq1.md).
    """
    sign = constant_int(args[0], f"SEQ{bits // 8}") if args else 0
    if sign not in {0, 1}:
        raise SqlError.bad_value(f"SEQ{bits // 8} takes 0 or 1.")
    if bits == 64:
        return raw("{0}", row, kind=kind)
    half = 1 << (bits - 1)
    wrapped = f"(({{0}} + {half}) % {2 * half} - {half})" if sign else f"({{0}} % {half})"
    return raw(wrapped, row, kind=kind)


def _sequence(args: Sequence[Node], *, bits: int, kind: Kind) -> Node:
    return _numbered_sequence(raw("(row_number() OVER () - 1)", kind=kind), args, bits=bits, kind=kind)


def _uniform(args: Sequence[Node]) -> Node:
    whole = all(
        isinstance(arg.this if isinstance(arg, exp.Neg) else arg, exp.Literal) and "." not in arg.sql()
        for arg in args[:2]
    )
    if whole:
        return raw("({0} + (({2} % ({1} - {0} + 1)) + ({1} - {0} + 1)) % ({1} - {0} + 1))", *args, kind=WHOLE)
    return raw("({0} + ({1} - {0}) * (CAST({2} & 9007199254740991 AS DOUBLE) / 9007199254740992))", *args, kind=FLOAT)


_MOST_RANKS: Final = 1_000


def _constant(node: Node) -> float:
    if not isinstance(node, exp.Literal) or node.is_string:
        raise SqlError.unsupported("ZIPF with an exponent that is not a constant")
    return float(number_of(node.this))


def _zipf(args: Sequence[Node]) -> Node:
    """ZIPF(s, n, generator): k of 1 to n, as often as 1/k^s says; the chances are known before the statement runs."""
    s, n = _constant(args[0]), constant_int(args[1], "ZIPF")
    if not 1 <= n <= _MOST_RANKS or not 0 < s < 100:
        raise SqlError.unsupported(f"ZIPF of more than {_MOST_RANKS} elements")
    weights = [rank**-s for rank in range(1, n + 1)]
    total = sum(weights)
    bounds = ", ".join(repr(bound / total) for bound in accumulate(weights[:-1]))
    drawn = "CAST({0} & 9007199254740991 AS DOUBLE) / 9007199254740992"
    count = f"1 + len(list_filter(CAST([{bounds}] AS DOUBLE[]), lambda _bound: _bound <= _drawn))"
    return raw(f"list_transform([{drawn}], lambda _drawn: {count})[1]", args[2], kind=WHOLE)


def _uuid(args: Sequence[Node]) -> Node:
    """A random UUID, or that of version 5 of a namespace and a name (functions/uuid_string.md)."""
    if not args:
        return raw("CAST(uuid() AS VARCHAR)", kind=TEXT)
    if len(args) == 1:
        raise SqlError.bad_value("UUID_STRING takes no argument, or a namespace and a name.")
    digest = raw("sha1(unhex(replace({0}, '-', '')) || encode({1}))", *(as_text(arg) for arg in args))
    template = (
        "(substr({0}, 1, 8) || '-' || substr({0}, 9, 4) || '-5' || substr({0}, 14, 3) || '-' ||"
        " translate(substr({0}, 17, 1), '0123456789abcdef', '89ab89ab89ab89ab') || substr({0}, 18, 3) || '-' ||"
        " substr({0}, 21, 12))"
    )
    return raw(template, digest, kind=TEXT)


FUNCTIONS: Final[tuple[Function, ...]] = (
    Scalar("RANDOM", arguments=(0, 1), sql=_random, numbered=_numbered_random),
    Scalar("UNIFORM", arguments=3, sql=_uniform),
    Scalar("NORMAL", arguments=3, sql=_NORMAL, gives=FLOAT),
    Scalar("ZIPF", arguments=3, sql=_zipf),
    Scalar("RANDSTR", arguments=2, sql=_RANDOM_TEXT, gives=TEXT),
    *(
        Scalar(
            f"SEQ{bits // 8}",
            arguments=(0, 1),
            sql=partial(_sequence, bits=bits, kind=kind),
            numbered=partial(_numbered_sequence, bits=bits, kind=kind),
        )
        for bits, kind in ((8, WHOLE), (16, WHOLE), (32, Number(10, 0)), (64, WHOLE))
    ),
    Scalar("UUID_STRING", arguments=(0, 2), sql=_uuid),
)
