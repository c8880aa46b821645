"""HLL, MINHASH and APPROX_TOP_K with their states (user-guide/querying-approximate-cardinality, …-similarity,
…-frequent-values; sql-reference/functions/<name>). What becomes of a state is Python: values/sketches.py.

Values are hashed by MD5, so that a state means the same in every session and release, and equal numbers of different
types are one value in it.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.encodings import CANONICAL
from cleanroom_ml.engine.sql.functions.entry import Aggregate, Function, Scalar, constant_int
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.equality import key
from cleanroom_ml.engine.sql.tree.kinds import as_bytes, as_json, as_variant, kind_of
from cleanroom_ml.engine.sql.types.kind import ARRAY, BINARY, FLOAT, JSON, OBJECT, TEXT, WHOLE, Number
from cleanroom_ml.engine.sql.values.sketches import MOST_COUNTERS, MOST_HASHES

_BIT: Final = 1 << 52
_STREAM: Final = (
    "CAST(({0} >> 52) * 64 + bit_count(CAST(xor({0} | BIT, ({0} | BIT) - 1) AS BIGINT)) AS UINTEGER)"
).replace("BIT", str(_BIT))
"""The upper 12 bits of a hash are its sub-stream; of the others it counts how many are 0 before the first 1, and one
more. They are counted from their end: a hash's bits are as good in either order.
"""
_PRIME: Final = (1 << 31) - 1
_LOW: Final = 1 << 31
_NONE: Final = (1 << 52) - 1
"""What a MinHash of no rows is: of no other set."""
_MOST_K: Final = 100_000
_ENTRIES: Final = (
    "list_sort(list_transform(map_entries({0}), lambda _e: struct_pack(n := -CAST(_e.value AS BIGINT), v := _e.key)))"
)
"""The values of a histogram: the most frequent first, and of equally frequent ones the least."""


def _text(node: Node) -> Node:
    """A value as a text that equal values have in common, and no others; NULL of NULL."""
    kind = kind_of(node)
    if kind == TEXT:
        return raw("'t' || {0}", node)
    if isinstance(kind, Number) and kind.scale is not None:
        digits = "CAST({0} AS VARCHAR)" if not kind.scale else "rtrim(rtrim(CAST({0} AS VARCHAR), '0'), '.')"
        return raw(f"'n' || {digits}", node)
    return raw(f"CASE WHEN {{0}} IS NOT NULL THEN {CANONICAL} END", key(node))


def _hash(values: Sequence[Node]) -> Node:
    """64 bits, unsigned, of some values together; NULL where one of them is, so that they count as none of a set."""
    texts = [_text(value) for value in values]
    if len(texts) == 1:
        return raw("md5_number_lower({0})", texts[0])
    whole = " || ".join(f"length({{{n}}}) || ':' || {{{n}}}" for n in range(len(texts)))
    return raw(f"md5_number_lower({whole})", *texts)


def _stream(values: Sequence[Node]) -> Node:
    return raw(_STREAM, _hash(values))


def _hll(made: Node, arguments: Sequence[Node]) -> Node:
    return raw("_sf_hll_count(coalesce({0}, CAST([] AS UINTEGER[])))", made, kind=WHOLE)


def _hll_state(made: Node, arguments: Sequence[Node]) -> Node:
    return raw("_sf_hll_state(coalesce({0}, CAST([] AS UINTEGER[])))", made, kind=BINARY)


def _hll_combined(made: Node, arguments: Sequence[Node]) -> Node:
    return raw("_sf_hll_combine(coalesce({0}, CAST([] AS BLOB[])))", made, kind=BINARY)


def _bytes(values: Sequence[Node]) -> Node:
    return as_bytes(_binary(values)[0])


def _binary(args: Sequence[Node]) -> Sequence[Node]:
    """Raises SqlError: a state of HyperLogLog is a BINARY."""
    if kind_of(args[0]) not in {BINARY, None}:
        raise SqlError.arguments("HLL_COMBINE and HLL_ESTIMATE", "a state of HLL_ACCUMULATE is a BINARY")
    return args


def _of_state(name: str, kind: str) -> Scalar:
    def build(args: Sequence[Node]) -> Node:
        function = f"_sf_{name.lower()}({{0}})"
        if kind == "OBJECT":
            return raw(f"CAST({function} AS JSON)", as_bytes(_binary(args)[0]), kind=OBJECT)
        return raw(function, as_bytes(_binary(args)[0]), kind=WHOLE)

    return Scalar(name, 1, sql=build)


def _imported(args: Sequence[Node]) -> Node:
    return raw("_sf_hll_import(CAST({0} AS VARCHAR))", as_json(args[0]), kind=BINARY)


def _element(values: Sequence[Node]) -> Node:
    return raw(f"CAST({{0}} % {_BIT} AS BIGINT)", _hash(values[1:]))


@functools.cache
def _factors(function: int) -> tuple[int, int]:
    """What tells one of the functions from the others. States that are kept depend on it: it never changes."""
    digest = hashlib.sha256(f"minhash {function}".encode()).digest()
    first, second = (int.from_bytes(digest[at : at + 8]) for at in (0, 8))
    return 1 + first % (_PRIME - 1), second % _PRIME


def _least(values: Sequence[Node]) -> str:
    """The least of each function: that of the lower 31 bits orders, the others tell apart what it does not."""
    each = (
        f"coalesce(min((({{0}} % {_LOW}) * {factor} + {more}) % {_PRIME} * {_BIT // _LOW} + {{0}} // {_LOW}), {_NONE})"
        for factor, more in map(_factors, range(_bounded(values, 0, "MINHASH", 1, MOST_HASHES)))
    )
    return f"[{', '.join(each)}]"


def _minhash(made: Node, arguments: Sequence[Node]) -> Node:
    return raw("to_json(struct_pack(state := {0}, type := 'minhash', version := 1))", made, kind=OBJECT)


def _combined(made: Node, arguments: Sequence[Node]) -> Node:
    return raw("CAST(_sf_minhash_combine({0}) AS JSON)", made, kind=OBJECT)


def _listed(values: Sequence[Node]) -> str:
    """The states of one row, or of several in each."""
    if len(values) == 1:
        return "list(CAST({0} AS VARCHAR))"
    row = ", ".join(f"CAST({{{n}}} AS VARCHAR)" for n in range(len(values)))
    return f"list([{row}])"


def _similar(made: Node, arguments: Sequence[Node]) -> Node:
    flat = "{0}" if len(arguments) == 1 else "list_filter(flatten({0}), lambda _s: _s IS NOT NULL)"
    return raw(f"_sf_similarity({flat})", made, kind=FLOAT)


def _bounded(arguments: Sequence[Node], at: int, name: str, otherwise: int, most: int) -> int:
    """An argument that is a constant whole number from 1 on. Raises SqlError."""
    found = constant_int(arguments[at], name) if len(arguments) > at else otherwise
    if not 1 <= found <= most:
        raise SqlError.bad_value(f"argument {at + 1} of {name} is a constant between 1 and {most}.")
    return found


def _items(arguments: Sequence[Node]) -> Node:
    return as_variant(raw("_e.v", kind=kind_of(arguments[0])))


def _top(made: Node, arguments: Sequence[Node]) -> Node:
    """[[value, how often], …]: counted, and not estimated."""
    most = _bounded(arguments, 1, "APPROX_TOP_K", 1, _MOST_K)
    _bounded(arguments, 2, "APPROX_TOP_K", MOST_COUNTERS, MOST_COUNTERS)
    pairs = f"list_transform(list_slice({_ENTRIES}, 1, {most}), lambda _e: [{{1}}, to_json(-_e.n)])"
    return raw(f"coalesce(to_json({pairs}), CAST('[]' AS JSON))", made, _items(arguments), kind=ARRAY)


def _top_state(made: Node, arguments: Sequence[Node]) -> Node:
    counters = _bounded(arguments, 1, "APPROX_TOP_K_ACCUMULATE", 0, MOST_COUNTERS)
    kept = f"coalesce(list_slice({_ENTRIES}, 1, {counters}), [])"
    values = "list_transform(_l, lambda _e: CAST({1} AS VARCHAR))"
    state = f"_sf_top_k_state({values}, list_transform(_l, lambda _e: -_e.n), {counters})"
    template = f"list_transform([{kept}], lambda _l: CAST({state} AS JSON))[1]"
    return raw(template, made, _items(arguments), kind=OBJECT)


def _top_combined(made: Node, arguments: Sequence[Node]) -> Node:
    counters = 0
    if len(arguments) > 1:
        counters = _bounded(arguments, 1, "APPROX_TOP_K_COMBINE", 0, MOST_COUNTERS)
    return raw(f"CAST(_sf_top_k_combine({{0}}, {counters}) AS JSON)", made, kind=OBJECT)


def _top_estimate(args: Sequence[Node]) -> Node:
    most = _bounded(args, 1, "APPROX_TOP_K_ESTIMATE", 1, _MOST_K)
    return raw(f"CAST(_sf_top_k_estimate(CAST({{0}} AS VARCHAR), {most}) AS JSON)", as_json(args[0]), kind=ARRAY)


_EXACT: Final = Aggregate(
    "HLL", (1, None), sql="count(DISTINCT {*})", gives=WHOLE, rows=True, distinct=True, whole=True
)
"""With OVER the sets are counted: their states would be as many lists as there are rows."""

FUNCTIONS: Final[tuple[Function, ...]] = (
    Aggregate(
        "APPROX_COUNT_DISTINCT HLL",
        (1, None),
        sql="list(DISTINCT {0})",
        each=_stream,
        around=_hll,
        gives=WHOLE,
        rows=True,
        distinct=True,
        drop_nulls=True,
        over=_EXACT,
    ),
    Aggregate(
        "HLL_ACCUMULATE",
        (1, None),
        sql="list(DISTINCT {0})",
        each=_stream,
        around=_hll_state,
        rows=True,
        distinct=True,
        drop_nulls=True,
        grouped=True,
    ),
    Aggregate("HLL_COMBINE", sql="list({0})", each=_bytes, around=_hll_combined, drop_nulls=True, grouped=True),
    _of_state("HLL_ESTIMATE", "WHOLE"),
    _of_state("HLL_EXPORT", "OBJECT"),
    Scalar("HLL_IMPORT", 1, sql=_imported, takes=JSON),
    Aggregate("MINHASH", (2, None), sql=_least, each=_element, around=_minhash, rows=True, distinct=True, grouped=True),
    Aggregate(
        "MINHASH_COMBINE", sql="list(CAST({0} AS VARCHAR))", takes=JSON, around=_combined, drop_nulls=True, grouped=True
    ),
    Aggregate(
        "APPROXIMATE_SIMILARITY APPROXIMATE_JACCARD_INDEX",
        (1, None),
        sql=_listed,
        takes=JSON,
        around=_similar,
        drop_nulls=True,
        grouped=True,
    ),
    Aggregate("APPROX_TOP_K", (1, 3), sql="histogram({0})", around=_top, whole=True),
    Aggregate("APPROX_TOP_K_ACCUMULATE", 2, sql="histogram({0})", around=_top_state, grouped=True),
    Aggregate(
        "APPROX_TOP_K_COMBINE",
        (1, 2),
        sql="list(CAST({0} AS VARCHAR))",
        takes=(JSON, None),
        around=_top_combined,
        drop_nulls=True,
        grouped=True,
    ),
    Scalar("APPROX_TOP_K_ESTIMATE", (1, 2), sql=_top_estimate, takes=(JSON, None)),
)
