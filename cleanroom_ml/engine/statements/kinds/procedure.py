"""SHOW PROCEDURES and DESCRIBE PROCEDURE: what CALL reaches, as those say who keep it (`ports.Procedures`)."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.describe import Describe
from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.statements.kind import ObjectKind
from cleanroom_ml.engine.statements.listing import Listed, Listing, texts
from cleanroom_ml.engine.statements.ports import KnownProcedure
from cleanroom_ml.engine.statements.refusals import displayed
from cleanroom_ml.engine.statements.work import Work

_NUMBERS: Final = frozenset({"min_num_arguments", "max_num_arguments"})


def describe_procedure(work: Work, statement: Describe) -> Rows:
    """DESCRIBE PROCEDURE: its signature, and what it is."""
    before = (work.session.database or "", work.session.schema or "")
    name = (*before[: 3 - len(statement.name)], *statement.name)
    for each in _known(work):
        if (each.database, each.schema, each.name) == name:
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
    raise SqlError.not_found("Procedure", displayed(statement.name))


def _procedures(work: Work, statement: Show) -> Listed:
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


def _known(work: Work) -> list[KnownProcedure]:
    found = () if work.procedures is None else work.procedures.known()
    return sorted(found, key=lambda each: (each.database, each.schema, each.name))


def _arguments(each: KnownProcedure) -> str:
    """Their number: an argument is whatever the caller gives, and those that may be left out stand in brackets."""
    text = ", ".join(["VARIANT"] * each.fewest)
    for number in range(each.fewest, each.most):
        text += " [, VARIANT]" if number else "[VARIANT]"
    return text


_COLUMNS: Final = (
    "created_on", "name", "schema_name", "is_builtin", "is_aggregate", "is_ansi", "min_num_arguments",
    "max_num_arguments", "arguments", "description", "catalog_name", "is_table_function",
    "valid_for_clustering", "is_secure", "secrets", "external_access_integrations",
)  # fmt: skip
OBJECTS: Final = (ObjectKind("PROCEDURE", describe=describe_procedure),)
LISTINGS: Final = tuple(
    Listing(name, _COLUMNS, _procedures, numbers=_NUMBERS) for name in ("PROCEDURES", "USER PROCEDURES")
)
