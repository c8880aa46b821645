"""GET_DDL of functions and procedures (sql-reference/functions/get_ddl, the examples of a function and a procedure)."""

from __future__ import annotations

from cleanroom_ml.engine.sql.routines import Routine
from cleanroom_ml.engine.sql.types.descriptions import described


def of_routine(kind: str, routine: Routine) -> str:
    """The statement that makes it again."""
    given = ", ".join(
        f"{_name(each.name)} {described(each.type)}" + ("" if each.default is None else f" DEFAULT {each.default}")
        for each in routine.parameters
    )
    secure, aggregate = ("SECURE " if routine.secure else ""), ("AGGREGATE " if routine.aggregate else "")
    if routine.returns is not None:
        returns = described(routine.returns)
    else:
        columns = ", ".join(f"{_name(name)} {described(found)}" for name, found in routine.columns)
        returns = f"TABLE ({columns})"
    lines = [
        f"CREATE OR REPLACE {secure}{aggregate}{kind} {_name(routine.name)}({given})",
        f"RETURNS {returns}",
        f"LANGUAGE {routine.language}",
    ]
    if routine.strict:
        lines.append("RETURNS NULL ON NULL INPUT")
    if routine.immutable:
        lines.append("IMMUTABLE")
    if routine.memoizable:
        lines.append("MEMOIZABLE")
    if routine.language == "PYTHON":
        lines.append(f"RUNTIME_VERSION = {_text(routine.runtime or '')}")
        lines.append(f"PACKAGES = ({','.join(_text(each) for each in routine.packages)})")
        if routine.imports:
            lines.append(f"IMPORTS = ({','.join(_text(each.path) for each in routine.imports)})")
        lines.append(f"HANDLER = {_text(routine.handler or '')}")
    if routine.comment:
        lines.append(f"COMMENT={_text(routine.comment)}")
    if kind == "PROCEDURE":
        lines.append(f"EXECUTE AS {'CALLER' if routine.as_caller else 'OWNER'}")
    if routine.body:
        lines.append(f"AS {_text(routine.body)}")
    return "\n".join(lines) + ";"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
