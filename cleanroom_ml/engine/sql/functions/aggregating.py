"""The call of an aggregate or window function: DISTINCT, WITHIN GROUP, IGNORE NULLS, and what goes around its OVER."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.entry import Aggregate, taken
from cleanroom_ml.engine.sql.tree.dialect import Node, Raw, raw
from cleanroom_ml.engine.sql.tree.kinds import kind_of, order_key
from cleanroom_ml.engine.sql.types.kind import JSON, Kind


def call(
    known: Aggregate,
    name: str,
    arguments: Sequence[Node],
    *,
    order: Node | None = None,
    ignore_nulls: bool = False,
    windowed: bool = False,
) -> Raw:
    """An aggregate's call without its OVER and what goes around it (`finish`). Raises SqlError."""
    values = list(arguments)
    distinct = None
    if values and isinstance(values[0], exp.Distinct):
        distinct = values[0]
        values = [*distinct.expressions, *values[1:]]
    known.check_count(name, len(values))
    if known.window_only and not windowed:
        raise SqlError(2303, "42601", f"SQL compilation error:\nThe function {name} needs an OVER clause.")
    if order is not None and not known.ordered:
        raise SqlError.unsupported(f"{name} WITHIN GROUP")
    kind = _kind(known, values)
    values = taken(values, known.takes)
    if known.separator and len(values) == 1:
        values.append(exp.Literal.string(""))
    if distinct is not None and known.distinct_rows and len(values) > 1:
        # Snowflake leaves out rows in which any of the values is NULL.
        nulls = " OR ".join(f"{{{n}}} IS NULL" for n in range(len(values)))
        values = [raw(f"CASE WHEN {nulls} THEN NULL ELSE ROW({{*}}) END", *values)]
    template = known.sql
    if known.json is not None and kind_of(values[0]) == JSON:
        template = known.json.replace("{key}", f"{{{len(values)}}}")
        values.append(order_key(values[0]))
    if distinct is not None:
        template = template.replace("({*}", "(DISTINCT {*}").replace("({0}", "(DISTINCT {0}")
    if "{of}" in template:
        if order is None or len(order.expressions) != 1:
            raise SqlError.syntax(f"{name} needs WITHIN GROUP (ORDER BY …).")
        ordered = order.expressions[0]
        values.append(ordered.this)
        template = template.replace("{of}", f"{{{len(values) - 1}}}").replace("{order}", "")
        if ordered.args.get("desc"):
            template = template.replace("{0}", "(1 - {0})")
    elif order is not None:
        values.append(order)
        template = template.replace("{*}", ", ".join(f"{{{n}}}" for n in range(len(values) - 1)))
        template = template.replace("{order}", f" {{{len(values) - 1}}}")
    template = template.replace("{order}", "").replace("{nulls}", " IGNORE NULLS" if ignore_nulls else "")
    if known.drop_nulls:
        template += " FILTER (WHERE {0} IS NOT NULL)"
    return raw(template, *values, kind=kind)


def finish(made: Node, known: Aggregate, arguments: Sequence[Node], kind: Kind | None) -> Node:
    """What goes around a call once its OVER clause, if any, is on it; `kind` is what the call gives."""
    if known.around is not None:
        return known.around(made, arguments)
    return made if known.outer is None and kind is None else raw(known.outer or "{0}", made, kind=kind)


def _kind(known: Aggregate, values: Sequence[Node]) -> Kind | None:
    return kind_of(values[known.gives]) if isinstance(known.gives, int) else known.gives
