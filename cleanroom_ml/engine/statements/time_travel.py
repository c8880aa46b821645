"""AT | BEFORE: from what a statement says to what a table was made of then (sql-reference/constructs/at-before)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.catalog import PastMoment
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.tree.dialect import parse_ast
from cleanroom_ml.engine.statements.refusals import displayed
from cleanroom_ml.engine.storage.history import Moment, OtherColumns
from cleanroom_ml.engine.storage.keys import Table, TableObject, to_micros
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage

Evaluate = Callable[[Sequence[exp.Expr]], Sequence[Value]]
"""The values of constant expressions, by a worker."""
FIXED: Final = "FIXED"
"""The kind of one that is a point in time already: no statement can say it."""
KINDS: Final = ("TIMESTAMP", "OFFSET", "STATEMENT")


def fixed(tree: exp.Expr, evaluate: Evaluate, now: datetime) -> exp.Expr:
    """A statement's tree with each AT | BEFORE as a point in time; itself where it has none. Raises SqlError."""
    if tree.find(exp.HistoricalData) is None:
        return tree
    tree = tree.copy()
    found = list(tree.find_all(exp.HistoricalData))
    values = evaluate([_expression(each) for each in found])
    for each, value in zip(found, values, strict=True):
        each.set("expression", _literal(past_moment(str(each.args["kind"]).upper(), value, now)))
        each.set("kind", FIXED)
    return tree


def past_moment(kind: str, value: Value, now: datetime, *, before: bool = False) -> PastMoment:
    """What `KIND => value` means. Raises SqlError."""
    if kind == "STATEMENT" and isinstance(value, str):
        return PastMoment(None, value, before)
    if kind == "OFFSET" and isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return PastMoment(to_micros(now) + int(Decimal(str(value)) * 1_000_000), None, before)
    if kind == "TIMESTAMP":
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day)
        if isinstance(value, datetime):
            return PastMoment(to_micros(value if value.tzinfo else value.replace(tzinfo=UTC)), None, before)
    if kind not in KINDS:
        raise SqlError.unsupported(f"AT | BEFORE ({kind[:40]} => …)")
    raise SqlError.syntax(f"{kind} of AT | BEFORE takes another kind of value.")


def expression(kind: str, text: str) -> exp.Expr:
    """The expression of a `KIND => text` that a command has. Raises SqlError."""
    tree = parse_ast(f"SELECT {text}")
    if not isinstance(tree, exp.Select) or len(tree.expressions) != 1:
        raise SqlError.syntax("AT | BEFORE takes one expression.")
    return _expression(exp.HistoricalData(this="AT", kind=kind, expression=tree.expressions[0]))


def past_objects(storage: Storage, session: Session, table: Table, moment: PastMoment) -> tuple[TableObject, ...]:
    """What a table that the session sees was made of.

    Raises:
        SqlError: no such statement of this account; not known any more; other columns.
    """
    micros = moment.micros
    if moment.statement is not None:
        record = storage.queries.get(moment.statement)
        if record is None or record.account != session.account:
            raise SqlError(709, "02000", f"Statement {moment.statement[:100]} not found")
        micros = to_micros(record.ended_on or storage.database.now())
    try:
        found = storage.tables.at(table.key, Moment(micros or 0, moment.statement, moment.before), table.session_id)
    except OtherColumns:
        raise SqlError.unsupported(
            f"AT | BEFORE of {displayed((table.key.name,))} at a time when it had other columns"
        ) from None
    if found is None:
        raise SqlError(
            707,
            "02000",
            f"Time travel data is not available for table {displayed((table.key.name,))}. The requested time is either "
            "beyond the allowed time travel period or before the object creation time.",
        )
    return found


def _expression(when: exp.HistoricalData) -> exp.Expr:
    kind = str(when.args.get("kind") or "").upper()
    if kind not in KINDS:
        raise SqlError.unsupported(f"AT | BEFORE ({kind[:40]} => …)")
    value: exp.Expr = when.args["expression"]
    if any(isinstance(node, exp.Query | exp.Column) for node in value.walk()):
        raise SqlError.syntax("AT | BEFORE takes a constant expression.")
    # A bare text is a time in UTC, whatever the session's zone.
    if kind == "TIMESTAMP" and isinstance(value, exp.Literal) and value.is_string:
        return exp.Cast(this=value.copy(), to=exp.DataType.build("TIMESTAMPNTZ", dialect="snowflake"))
    return value.copy()


def _literal(moment: PastMoment) -> exp.Expr:
    if moment.statement is not None:
        return exp.Literal.string(moment.statement)
    return exp.Literal.number(moment.micros or 0)
