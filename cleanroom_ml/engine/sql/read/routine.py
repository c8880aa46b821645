"""CREATE and ALTER of functions and procedures, and the names by which they are told apart.

Source: sql-reference/sql/create-function, -/create-procedure, -/alter-function, -/alter-procedure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.sql.binds import NO_BINDS
from cleanroom_ml.engine.sql.catalog import Columns, StageReference
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.tokens import tokenize
from cleanroom_ml.engine.sql.read.columns import cut_at_commas, read_type
from cleanroom_ml.engine.sql.read.form import Modifiers
from cleanroom_ml.engine.sql.read.names import stage_reference
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Name
from cleanroom_ml.engine.sql.routines import MAX_ARGUMENTS, MAX_BODY, Parameter, Routine, with_types
from cleanroom_ml.engine.sql.types.sql_type import SqlType

LANGUAGES: Final = frozenset({"SQL", "PYTHON"})
RUNTIMES: Final = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
"""Versions of Python that functions may ask for (developer-guide/udf/python/udf-python-tabular-functions)."""
_REFUSED: Final = (
    *("EXTERNAL_ACCESS_INTEGRATIONS", "SECRETS", "ARTIFACT_REPOSITORY", "RESOURCE_CONSTRAINT", "TARGET_PATH"),
    *("LOG_LEVEL", "TRACE_LEVEL", "METRIC_LEVEL"),
)
_FLAGS: Final[Mapping[tuple[str, ...], Mapping[str, bool]]] = {
    ("CALLED", "ON", "NULL", "INPUT"): {"strict": False},
    ("RETURNS", "NULL", "ON", "NULL", "INPUT"): {"strict": True},
    ("STRICT",): {"strict": True},
    ("VOLATILE",): {"immutable": False},
    ("IMMUTABLE",): {"immutable": True},
    ("MEMOIZABLE",): {"memoizable": True},
    ("NOT", "NULL"): {},
    ("NULL",): {},
    ("EXECUTE", "AS", "CALLER"): {"as_caller": True},
    ("EXECUTE", "AS", "OWNER"): {"as_caller": False},
}


@dataclass(frozen=True, slots=True)
class Declared:
    """A function or procedure as CREATE declares it; `imports` are still to be found."""

    name: Name
    routine: Routine
    imports: tuple[StageReference, ...] = ()
    or_replace: bool = False
    if_not_exists: bool = False
    temporary: bool = False
    copy_grants: bool = False


@dataclass(frozen=True, slots=True)
class Altered:
    """ALTER … RENAME TO | SET | UNSET. `name` has the types of the arguments."""

    name: Name
    new_name: Name | None = None
    comment: str | None = None
    secure: bool | None = None
    as_caller: bool | None = None
    if_exists: bool = False


def declared(source: Source, modifiers: Modifiers, *, procedure: bool) -> Declared:
    """What stands behind CREATE FUNCTION or CREATE PROCEDURE. Raises SqlError."""
    cursor = source.cursor
    if_not_exists = cursor.accept("IF", "NOT", "EXISTS")
    name = source.names.name()
    if_not_exists = cursor.accept("IF", "NOT", "EXISTS") or if_not_exists
    routine, imports, copied = rest(source, name[-1], modifiers, procedure=procedure)
    cursor.expect_end()
    return Declared(name, routine, imports, modifiers.or_replace, if_not_exists, modifiers.temporary, copied)


def rest(
    source: Source, name: str, modifiers: Modifiers, *, procedure: bool
) -> tuple[Routine, tuple[StageReference, ...], bool]:
    """Arguments, RETURNS, the clauses and the body; what is imported; whether COPY GRANTS stood there. The body is the
    last that is taken.
    """
    cursor = source.cursor
    parameters = _parameters(source)
    copied = cursor.accept("COPY", "GRANTS")
    cursor.expect("RETURNS")
    returns: SqlType | None = None
    columns: tuple[tuple[str, SqlType], ...] = ()
    if cursor.accept("TABLE"):
        columns = tuple((each.name, each.type) for each in _parameters(source))
        if not columns and not procedure:
            raise SqlError.unsupported("a table function without columns")
    else:
        returns = _type_here(source)
    flags: dict[str, bool] = {}
    options: dict[str, object] = {}
    language = "SQL"
    body: str | None = None
    while body is None and not cursor.done and not cursor.looking_at(";"):
        if cursor.accept("EXECUTE", "AS", "RESTRICTED", "CALLER"):
            raise SqlError.unsupported("EXECUTE AS RESTRICTED CALLER: there are no caller grants here")
        found = next((words for words in _FLAGS if cursor.accept(*words)), None)
        if found is not None:
            flags.update(_FLAGS[found])
        elif cursor.accept("COPY", "GRANTS"):
            copied = True
        elif cursor.accept("LANGUAGE"):
            language = cursor.word()
        elif cursor.accept("AS"):
            body = _body(source)
        elif (read := source.names.options()) != {}:
            options.update(read)
        else:
            raise cursor.surprise()
    if language not in LANGUAGES:
        raise SqlError.unsupported(f"LANGUAGE {language[:40]}: functions and procedures are SQL or PYTHON here")
    if flags.get("as_caller") is not None and not procedure:
        raise cursor.surprise("EXECUTE AS is for procedures")
    python, imports = _python(options) if language == "PYTHON" else (_sql(options, flags), ())
    aggregate = "AGGREGATE" in modifiers.words
    if aggregate and language != "PYTHON":
        raise SqlError.unsupported("CREATE AGGREGATE FUNCTION without LANGUAGE PYTHON")
    if body is None and not (language == "PYTHON" and imports):
        raise cursor.surprise("expected AS and a body")
    routine = Routine(
        name,
        parameters,
        returns,
        columns,
        language,
        body or "",
        secure="SECURE" in modifiers.words,
        aggregate=aggregate,
        comment=str(options.get("COMMENT") or ""),
        **{**flags, **python},  # type: ignore[arg-type]  # the names of its fields, each with a value of its type
    )
    return routine, imports, copied


def altered(source: Source, kind: str) -> Altered:
    """What stands behind ALTER FUNCTION or ALTER PROCEDURE. Raises SqlError."""
    cursor = source.cursor
    if_exists = cursor.accept("IF", "EXISTS")
    name = named(source, kind)
    made: Altered | None = None
    if cursor.accept("RENAME", "TO"):
        made = Altered(name, new_name=source.names.name(), if_exists=if_exists)
    elif cursor.accept("SET", "SECURE") or cursor.accept("UNSET", "SECURE"):
        made = Altered(name, secure=source.tokens[cursor.at - 2].upper == "SET", if_exists=if_exists)
    elif cursor.accept("UNSET", "COMMENT"):
        made = Altered(name, comment="", if_exists=if_exists)
    elif cursor.accept("SET"):
        options = source.names.options()
        if set(options) == {"COMMENT"}:
            made = Altered(name, comment=str(options["COMMENT"]), if_exists=if_exists)
    elif kind == "PROCEDURE" and cursor.accept("EXECUTE", "AS"):
        made = Altered(name, as_caller=cursor.word() == "CALLER", if_exists=if_exists)
    if made is None:
        raise SqlError.unsupported(f"this ALTER {kind}: RENAME TO, SET SECURE and SET COMMENT are supported")
    cursor.expect_end()
    return made


def named(source: Source, kind: str) -> Name:
    """A name; of a function or procedure always with the types of its arguments in its last part: `F(NUMBER, VARCHAR)`,
    and `F()` where none are written. So no name in quotes is taken for a name with types.
    """
    name = source.names.name()
    if kind not in {"FUNCTION", "PROCEDURE"}:
        return name
    types = []
    for tokens in cut_at_commas(source.cursor.group()) if source.cursor.looking_at("(") else ():
        found, used = read_type(source.text, tokens)
        if used != len(tokens):
            raise source.cursor.surprise("expected the types of the arguments")
        types.append(found.name)
    return (*name[:-1], with_types(name[-1], types))


def type_named(text: str) -> SqlType:
    """The type that a text is the name of. Raises SqlError."""
    tokens = tokenize(text)
    found, used = read_type(text, tokens)
    if used != len(tokens):
        raise SqlError.syntax(f"'{text[:100]}' is no type.")
    return found


def returned(text: str) -> tuple[SqlType | None, Columns]:
    """What stands behind RETURNS: a type, or TABLE (…) and its columns. Raises SqlError."""
    source = Source(text, tokenize(text), NO_BINDS)
    if not source.cursor.accept("TABLE"):
        return type_named(text), ()
    columns = tuple((each.name, each.type) for each in _parameters(source))
    source.cursor.expect_end()
    if not columns:
        raise SqlError.unsupported("a table function without columns")
    return None, columns


def _parameters(source: Source) -> tuple[Parameter, ...]:
    """`(name TYPE [DEFAULT expression], …)`."""
    found: list[Parameter] = []
    for tokens in cut_at_commas(source.cursor.group()):
        name = str(tokens[0].value())
        sql_type, used = read_type(source.text, tokens[1:])
        after = tokens[1 + used :]
        default = None
        if after and after[0].upper == "DEFAULT" and len(after) > 1:
            default = source.text[after[1].start : after[-1].end]
        elif after:
            raise SqlError.syntax(f"syntax error: unexpected '{after[0].text[:80]}' after argument {name[:80]}.")
        elif found and found[-1].default is not None:
            raise SqlError.syntax("arguments with a DEFAULT come after those without one.")
        found.append(Parameter(name, sql_type, default))
    if len(found) > MAX_ARGUMENTS:
        raise SqlError.syntax(f"{len(found)} are more arguments or columns than the {MAX_ARGUMENTS} of a function.")
    if len({each.name for each in found}) != len(found):
        raise SqlError.syntax("two arguments or columns have one name.")
    return tuple(found)


def _type_here(source: Source) -> SqlType:
    found, used = read_type(source.text, source.tokens[source.cursor.at :])
    source.cursor.at += used
    return found


def _body(source: Source) -> str:
    """A text, or a scripting block as it stands there (snowflake-scripting/running-examples)."""
    cursor = source.cursor
    if cursor.looking_at("BEGIN") or cursor.looking_at("DECLARE"):
        body = cursor.rest()
        cursor.at = len(source.tokens)
    else:
        body = source.names.text()
    if len(body.encode("utf-8", "surrogatepass")) > MAX_BODY:
        raise SqlError.syntax(f"A body has at most {MAX_BODY} bytes.")
    return body


def _sql(options: dict[str, object], flags: Mapping[str, bool]) -> dict[str, object]:
    _only(options, {"COMMENT"})
    if flags.get("strict"):
        raise SqlError.unsupported("RETURNS NULL ON NULL INPUT of LANGUAGE SQL")
    return {}


def _python(options: dict[str, object]) -> tuple[dict[str, object], tuple[StageReference, ...]]:
    """HANDLER, RUNTIME_VERSION, PACKAGES and IMPORTS. Raises SqlError: something else, or none of the first two."""
    _only(options, {"COMMENT", "HANDLER", "RUNTIME_VERSION", "PACKAGES", "IMPORTS"})
    handler, runtime = options.get("HANDLER"), str(options.get("RUNTIME_VERSION", ""))
    if runtime == "3.1":  # 3.10 without its quotes is a number
        runtime = "3.10"
    if not isinstance(handler, str) or not handler:
        raise SqlError.syntax("LANGUAGE PYTHON needs HANDLER = '<name of what is called>'.")
    if runtime not in RUNTIMES:
        raise SqlError.syntax(f"LANGUAGE PYTHON needs RUNTIME_VERSION, one of {', '.join(RUNTIMES)}.")
    imports = tuple(stage_reference(each) for each in _texts(options, "IMPORTS"))
    return {"handler": handler, "runtime": runtime, "packages": _texts(options, "PACKAGES")}, imports


def _texts(options: Mapping[str, object], key: str) -> tuple[str, ...]:
    given = options.get(key, ())
    listed = given if isinstance(given, tuple) else (given,)
    if not all(isinstance(each, str) for each in listed):
        raise SqlError.syntax(f"{key} takes texts in parentheses.")
    return tuple(str(each) for each in listed)


def _only(options: Mapping[str, object], known: set[str]) -> None:
    for key in options:
        if key in _REFUSED:
            raise SqlError.unsupported(f"{key} of a function or procedure")
        if key not in known:
            raise SqlError.syntax(f"syntax error: unexpected '{key[:80]}'.")
