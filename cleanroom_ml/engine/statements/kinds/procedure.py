"""Procedures: those that a party writes, and those that the clean room or the engine keeps."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.describe import Describe
from cleanroom_ml.engine.sql.read.procedure import AlterProcedure, CreateProcedure
from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.sql.script.parse import parse
from cleanroom_ml.engine.statements import python_procedures, routines
from cleanroom_ml.engine.statements.kind import Kind, ObjectKind, Roles
from cleanroom_ml.engine.statements.listing import Listed, Listing, texts
from cleanroom_ml.engine.statements.ports import KnownProcedure
from cleanroom_ml.engine.statements.refusals import displayed
from cleanroom_ml.engine.statements.work import Work


def create_procedure(work: Work, statement: CreateProcedure) -> Rows:
    """CREATE PROCEDURE: a block is read, its statements are when it runs, as on Snowflake. Python is read in a sandbox,
    when it is called.
    """
    declared = statement.declared
    if work.restricted:
        raise SqlError.unsupported("a procedure in a clean room")
    if declared.routine.language == "SQL":
        parse(declared.routine.body)
        return routines.create(work, declared, "PROCEDURE", declared.routine)
    python_procedures.check_packages(work, declared.routine)
    with routines.imported(work, declared.imports) as files:
        return routines.create(work, declared, "PROCEDURE", replace(declared.routine, imports=files))


def alter_procedure(work: Work, statement: AlterProcedure) -> Rows:
    """ALTER PROCEDURE."""
    return routines.alter(work, statement.altered, "PROCEDURE")


def describe_procedure(work: Work, statement: Describe) -> Rows:
    """DESCRIBE PROCEDURE: its signature, and what it is."""
    before = (work.session.database or "", work.session.schema or "")
    name = (*before[: 3 - len(statement.name)], *statement.name)
    base = (*name[:-1], name[-1].rpartition("(")[0])
    for each in _known(work):
        if (each.database, each.schema, each.name) == base:
            return Rows(
                texts("property", "value"),
                (
                    ("signature", f"({_arguments(each)})"),
                    ("returns", "TABLE ()"),
                    ("language", "SQL"),
                    ("null handling", "CALLED ON NULL INPUT"),
                    ("volatility", "VOLATILE"),
                    ("execute as", "OWNER"),
                    ("body", None),
                ),
            )
    if work.restricted or _is_kept(work, name[0]):
        raise SqlError.not_found("Procedure", displayed(statement.name))
    return routines.describe(work, statement, "PROCEDURE")


def _procedures(work: Work, statement: Show) -> Listed:
    if not work.restricted and (statement.scope is None or not _is_kept(work, statement.scope[0])):
        yield from routines.listed(work, statement, "PROCEDURE")
    scope = statement.scope or ()
    as_schema = statement.scope_kind == "SCHEMA" or len(scope) == 2
    if as_schema and len(scope) == 1:
        scope = (work.session.database or "", *scope)
    for each in _known(work):
        if scope and scope != (each.database, each.schema)[: len(scope)]:
            continue
        yield {
            "name": each.name, "schema_name": each.schema, "is_builtin": "N", "is_aggregate": "N", "is_ansi": "N",
            "min_num_arguments": each.fewest, "max_num_arguments": each.most,
            "arguments": f"{each.name}({_arguments(each)}) RETURN TABLE ()", "description": "user-defined procedure",
            "catalog_name": each.database, "is_table_function": "Y", "valid_for_clustering": "N", "is_secure": "Y",
        }  # fmt: skip


def _is_kept(work: Work, database: str) -> bool:
    """Whether a database is one that only procedures of the clean room or of the engine are in."""
    return any(each.database == database for each in _known(work))


def _known(work: Work) -> list[KnownProcedure]:
    found = () if work.procedures is None else work.procedures.known()
    return sorted(found, key=lambda each: (each.database, each.schema, each.name))


def _arguments(each: KnownProcedure) -> str:
    """Their number: an argument is whatever the caller gives, and those that may be left out stand in brackets."""
    text = ", ".join(["VARIANT"] * each.fewest)
    for number in range(each.fewest, each.most):
        text += " [, VARIANT]" if number else "[VARIANT]"
    return text


_COLUMNS: Final = routines.COLUMNS[:16]
KINDS: Final = (
    Kind(
        CreateProcedure,
        create_procedure,
        roles=Roles.NAMES,
        commits=True,
        leaves_open=lambda each: each.declared.temporary,
    ),
    Kind(AlterProcedure, alter_procedure, roles=Roles.NAMES, commits=True),
)
OBJECTS: Final = (
    ObjectKind(
        "PROCEDURE",
        drop=partial(routines.drop, kind="PROCEDURE"),
        describe=describe_procedure,
        thing=partial(routines.thing, kind="PROCEDURE"),
        privileges=("USAGE",),
        everything=partial(routines.everything, kind="PROCEDURE"),
    ),
)
LISTINGS: Final = tuple(
    Listing(name, _COLUMNS, _procedures, numbers=routines.NUMBERS) for name in ("PROCEDURES", "USER PROCEDURES")
)
