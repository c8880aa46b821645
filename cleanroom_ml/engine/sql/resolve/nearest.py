"""ASOF JOIN: each row of the left side with the nearest of the right one (sql-reference/constructs/asof-join)."""

from __future__ import annotations

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError


def match(join: exp.Join) -> None:
    """ASOF JOIN … MATCH_CONDITION (…), as DuckDB says it: rows without a nearest one have NULLs. Raises SqlError: it
    says anything else.
    """
    written = join.args.get("match_condition")
    condition = written.unnest() if written is not None else None
    if not isinstance(condition, exp.GT | exp.GTE | exp.LT | exp.LTE) or join.args.get("side") or join.args.get("kind"):
        raise SqlError.syntax(
            "MATCH_CONDITION clause is invalid: Only comparison operators '>=', '>', '<=' and '<' are allowed."
            " Keywords such as AND and OR are not allowed."
        )
    join.set("match_condition", None)
    join.set("side", "LEFT")
    on = join.args.get("on")
    conditions = [on] if on is not None else []
    while conditions:
        each = conditions.pop().unnest()
        if isinstance(each, exp.And):
            conditions += [each.this, each.expression]
        elif not isinstance(each, exp.EQ):
            raise SqlError.syntax("ON of an ASOF JOIN takes conditions with = alone, connected with AND.")
    join.set("on", condition if on is None else exp.And(this=exp.Paren(this=on), expression=condition))
