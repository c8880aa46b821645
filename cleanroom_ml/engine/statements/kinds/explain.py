"""EXPLAIN (sql-reference/sql/explain): compiles a query, and tells what it consists of and how much it would read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from cleanroom_ml.engine.contracts.table import SELECT, Rows
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.catalog import TableSource
from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.plans import Operation, plan
from cleanroom_ml.engine.sql.read.explain import Explain
from cleanroom_ml.engine.sql.resolve.constants import Constants
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.statements import information_schema
from cleanroom_ml.engine.statements.kind import Kind, Roles
from cleanroom_ml.engine.statements.refusals import displayed
from cleanroom_ml.engine.statements.results import VARCHAR
from cleanroom_ml.engine.statements.scope import full_name
from cleanroom_ml.engine.statements.work import Work

_WHOLE: Final = SqlType("NUMBER", 38, 0)
_TABULAR: Final = (
    ("step", _WHOLE),
    ("id", _WHOLE),
    ("parentOperators", VARCHAR),
    ("operation", VARCHAR),
    ("objects", VARCHAR),
    ("alias", VARCHAR),
    ("expressions", VARCHAR),
    ("partitionsTotal", _WHOLE),
    ("partitionsAssigned", _WHOLE),
    ("bytesAssigned", _WHOLE),
)
_CONTENT: Final = (("content", VARCHAR),)
Stats = tuple[int, int, int]
"""Partitions that there are, those that are read, and their bytes."""


def explain(work: Work, statement: Explain) -> Rows:
    """The plan in the format that is asked for. Raises SqlError: the query is none, or may not be sent."""
    tree = work.fixed(statement.ast)
    compiled = compile_query(tree.copy(), work.catalog, work.binds)
    with work.storage.pin(compiled.inputs):  # what a worker finds wrong with it is told as well
        work.warehouse.describe(compiled, query_id=work.query_id, keep=work.keep)
    operations = plan(tree, lambda parts: _table(work, parts), Constants(work.catalog, work.binds))
    stats = {each.id: _stats(work, each) for each in operations if each.name is not None}
    total = tuple(sum(each[place] for each in stats.values()) for place in range(3))
    if statement.using == "TABULAR":
        rows: list[tuple[Value, ...]] = [(None, None, None, "GlobalStats", None, None, None, *total)]
        return Rows(_TABULAR, [*rows, *(_row(each, stats.get(each.id)) for each in operations)])
    text = (_json if statement.using == "JSON" else _text)(operations, stats, total)
    return Rows(_CONTENT, [(text,)])


def _table(work: Work, parts: tuple[str, ...]) -> tuple[tuple[str, ...], TableSource]:
    """Raises SqlError: it is no table of the session's: of what is behind a view its reader learns nothing here."""
    name = full_name(work, parts)
    if name[1] == information_schema.NAME:
        shown = displayed(name)
        raise SqlError(
            3001, "42501", f"SQL access control error:\nEXPLAIN command has insufficient privilege on object {shown}"
        )
    source = work.catalog.source(parts)
    if not isinstance(source, TableSource):
        raise SqlError.unsupported("EXPLAIN of a view")
    return name, source


def _stats(work: Work, scan: Operation) -> Stats:
    return scan.objects or 0, len(scan.read), sum(work.storage.objects.size(each) for each in scan.read)


def _row(each: Operation, stats: Stats | None) -> tuple[Value, ...]:
    parents = None if each.parent is None else f"[{each.parent}]"
    expressions = ", ".join(each.expressions) or None
    return (1, each.id, parents, each.operation, each.name, each.alias, expressions, *(stats or (None, None, None)))


def _json(operations: Sequence[Operation], stats: dict[int, Stats], total: Sequence[int]) -> str:
    listed = []
    for each in operations:
        made: dict[str, object] = {"id": each.id}
        if each.parent is not None:
            made["parentOperators"] = [each.parent]
        made["operation"] = each.operation
        if each.name is not None:
            made["objects"] = [each.name]
        if each.alias is not None:
            made["alias"] = each.alias
        if each.expressions:
            made["expressions"] = list(each.expressions)
        if each.id in stats:
            partitions, assigned, size = stats[each.id]
            made |= {"partitionsAssigned": assigned, "partitionsTotal": partitions, "bytesAssigned": size}
        listed.append(made)
    whole = dict(zip(("partitionsTotal", "partitionsAssigned", "bytesAssigned"), total, strict=True))
    return json.dumps({"GlobalStats": whole, "Operations": [listed]}, separators=(",", ":"), ensure_ascii=False)


def _text(operations: Sequence[Operation], stats: dict[int, Stats], total: Sequence[int]) -> str:
    named = ("partitionsTotal", "partitionsAssigned", "bytesAssigned")
    lines = ["GlobalStats:", *(f"    {name}={value}" for name, value in zip(named, total, strict=True)), "Operations:"]
    for each in operations:
        parts = [f"1:{each.id}{'     ' * (each.depth + 1)}->{each.operation}", each.name or "", each.alias or ""]
        parts.append(", ".join(each.expressions))
        if each.id in stats:
            counted = ", ".join(f"{name}={value}" for name, value in zip(named, stats[each.id], strict=True))
            parts.append(f"{{{counted}}}")
        lines.append("  ".join(part for part in parts if part))
    return "\n".join(lines) + "\n"


def _columns(_: Work, statement: Explain) -> Rows:
    return Rows(_TABULAR if statement.using == "TABULAR" else _CONTENT, ())


KINDS: Final = (Kind(Explain, explain, SELECT, roles=Roles.NAMES, columns=_columns),)
