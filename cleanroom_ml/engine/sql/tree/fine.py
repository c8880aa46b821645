"""Rewritten expressions that are moments with nanoseconds (types/fine.py): taken apart, made, and made alike.

`kind_of` says which are: a moment that is known to have none is of the plain kind, and costs what it always did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError, TooFineValue
from cleanroom_ml.engine.sql.settings import keeps_nanoseconds
from cleanroom_ml.engine.sql.tree.arithmetic import once
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.kinds import kind_of
from cleanroom_ml.engine.sql.types import fine
from cleanroom_ml.engine.sql.types.kind import COARSE, FINE, FINE_TIME, FINE_TIMESTAMP, FINE_TZ, TZ, WHOLE, Kind
from cleanroom_ml.engine.sql.types.moment_casts import Moment

SOURCES: Final[Mapping[Kind | None, Moment]] = {FINE_TIMESTAMP: "NTZ", FINE_TZ: "TZ", FINE_TIME: "TIME"}
"""By which template one is cast: those of an NTZ and an LTZ are the same."""
_REST: Final = "((({0}) % 1000) + 1000) % 1000"


def is_fine(node: Node) -> bool:
    """Whether an expression is a moment with nanoseconds."""
    return kind_of(node) in COARSE


def whole(node: Node) -> Node:
    """A moment without its nanoseconds: for what does not depend on them. Anything else as it is."""
    kind = kind_of(node)
    if kind not in COARSE:
        return node
    return raw(f"({fine.whole(SOURCES[kind])})", node, kind=COARSE[kind])


def nanos(node: Node) -> Node:
    """The nanoseconds of a moment: 0 to 999."""
    if kind_of(node) not in COARSE:
        return raw("0", kind=WHOLE)
    return raw(f"CAST({fine.NANOS} AS BIGINT)", node, kind=WHOLE)


def made(whole: Node, nanos: Node) -> Node:
    """A moment of what it is to the microsecond and its nanoseconds."""
    kind = kind_of(whole)
    assert kind is not None
    template = fine.made("{0}", "{1}", shifted=kind == TZ)
    return once(template, whole, nanos, kind=FINE[kind])


def as_fine(node: Node) -> Node:
    """A moment or time as one with nanoseconds; anything else as it is."""
    return made(node, raw("0", kind=WHOLE)) if kind_of(node) in FINE else node


def alike(nodes: Sequence[Node]) -> list[Node]:
    """Moments of which one has nanoseconds, all with them."""
    return [as_fine(node) for node in nodes] if any(map(is_fine, nodes)) else list(nodes)


def of_counts(micros: str, count: str, *arguments: Node, kind: Kind) -> Node:
    """A moment of a count of nanoseconds: `micros` makes one of the microseconds `{0}`, both are templates."""
    rest = _REST.replace("{0}", count)
    shifted = kind == FINE_TZ
    return once(
        fine.made(micros.replace("{0}", f"CAST((({count}) - {rest}) // 1000 AS BIGINT)"), rest, shifted=shifted),
        *arguments,
        kind=kind,
    )


def counted(clock: Node, before: Node, count: Node) -> tuple[Node, Node]:
    """A clock's time, its nanoseconds and a number of them that is added: the clock's time and the nanoseconds then."""
    total = raw("(CAST({0} AS HUGEINT) + CAST({1} AS HUGEINT))", before, count, kind=WHOLE)
    rest = raw(f"({_REST})", total, kind=WHOLE)
    steps = raw(f"to_microseconds(CAST((({{0}}) - {_REST}) // 1000 AS BIGINT))", total.copy())
    return raw("({0} + {1})", clock, steps, kind=kind_of(clock)), rest


def needed(what: str) -> SqlError:
    """The error of what is about to have nanoseconds in a statement that is compiled without them."""
    return SqlError.nanoseconds(what) if keeps_nanoseconds() else TooFineValue()


def refuse(name: str, nodes: Sequence[Node]) -> None:
    """Raises SqlError: one of the arguments of a function that knows no nanoseconds has some."""
    if any(map(is_fine, (node for node in nodes if not isinstance(node, exp.Null)))):
        raise SqlError.nanoseconds(name)
