"""How an entry of the function table is written: see functions.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.tree.dialect import SLOT, raw
from cleanroom_ml.engine.sql.tree.kinds import as_text, literal_text
from cleanroom_ml.engine.sql.types.kind import TEXT

Builder = Callable[[Sequence[Any]], Any]
Entry = tuple[int, int | None, "str | Builder", str | None]


def entry(template: str, least: int, most: int | None = -1, kind: str | None = None) -> Entry:
    return least, least if most == -1 else most, template, kind


def built(builder: Builder, least: int, most: int | None = -1) -> Entry:
    return least, least if most == -1 else most, builder, None


def texts(template: str, kind: str | None = TEXT) -> Builder:
    """All arguments as text."""
    return lambda args: raw(template, *(as_text(arg) for arg in args), kind=kind)


def optional(*templates: str, kind: str | None = None, first: Callable[[Any], Any] | None = None) -> Builder:
    """One template for each number of arguments."""

    def build(args: Sequence[Any]) -> Any:
        values = [first(args[0]), *args[1:]] if first is not None else list(args)
        fitting = [template for template in templates if len(set(SLOT.findall(template))) == len(values)]
        return raw((fitting or templates)[0], *values, kind=kind)

    return build


def constant_int(node: Any, what: str) -> int:
    """A whole number written as such. Raises SqlError naming `what` needs it."""
    negative = isinstance(node, exp.Neg)
    literal = node.this if negative else node
    while getattr(literal, "expressions", None) and len(literal.expressions) == 1:
        literal = literal.expressions[0]
    if not isinstance(literal, exp.Literal) or literal.is_string or not literal.this.isdigit():
        raise SqlError.unsupported(f"{what} with an argument that is not a constant")
    return -int(literal.this) if negative else int(literal.this)


def constant_text(node: Any, what: str) -> str:
    """A text written as such. Raises SqlError naming `what` needs it."""
    text = literal_text(node)
    if text is None:
        raise SqlError.unsupported(f"{what} with an argument that is not a constant")
    return text
