"""INTERVAL constants: `'1 year, 3 quarters, 4 months, 5 weeks'`, `'2 h'`, `'1'` of a unit after it
(`sql-reference/data-types-datetime`, "Interval constants").
"""

from __future__ import annotations

import re
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions import dateparts
from cleanroom_ml.engine.sql.tree.dialect import Raw, raw
from cleanroom_ml.engine.sql.types.kind import INTERVAL

_PIECE: Final = re.compile(r"\s*+([+-]?)\s*+(\d{1,18})\s*+([A-Za-z_]*+)\s*+")
_MAX_PIECES: Final = 50
_MOST: Final = 2**63 - 1


def interval(text: str, unit: str) -> Raw:
    """The INTERVAL that a text means; `unit` is what stands after it. Pieces are added one after the other; one
    without a part is of seconds. Nanoseconds are no part of DuckDB's INTERVAL: they are its `nanos`. Raises SqlError.
    """
    pieces = text.split(",")
    if len(pieces) > _MAX_PIECES:
        raise SqlError.too_complex()
    made: list[str] = []
    amounts: list[exp.Expr] = []
    parts: set[str] = set()
    nanos = 0
    for number, piece in enumerate(pieces):
        found = _PIECE.fullmatch(piece)
        if found is None or (found[3] and unit):
            raise SqlError.syntax(f"invalid interval '{text[:60]}'.")
        part = dateparts.step(found[3] or (unit if len(pieces) == 1 and unit else "SECOND"))
        amount = int(found[2])
        if part == "NANOSECOND":
            nanos += amount % 1000 * (-1 if found[1] == "-" else 1)
            part, amount = "MICROSECOND", amount // 1000
        parts.add(part)
        micros = dateparts.MICROS.get(part)
        if micros is not None and amount * micros > _MOST:
            raise SqlError.bad_value(f"The interval '{text[:60]}' is too long.")
        # DuckDB multiplies an interval by 32 bits only.
        step = (
            f"{{{number}}} * INTERVAL 1 {part}" if micros is None else f"to_microseconds(CAST({{{number}}} AS BIGINT))"
        )
        made.append(f"{found[1] or '+'} ({step})")
        amounts.append(exp.Literal.number(amount * (micros or 1)))
    text = " ".join(made)
    whole = raw(f"({text.removeprefix('+ ')})", *amounts, kind=INTERVAL)
    whole.set("of_days", parts <= dateparts.DATE_PARTS)
    whole.set("nanos", nanos)
    return whole
