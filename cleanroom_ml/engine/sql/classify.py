"""From a statement's text to the statement that the front acts on (dataclasses of `nodes`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlglot import exp

from cleanroom_ml.engine.load.big_texts import BIG_TEXTS
from cleanroom_ml.engine.sql import alter, commands, create
from cleanroom_ml.engine.sql.binds import NO_BINDS, Binds
from cleanroom_ml.engine.sql.calls import parse_call
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.names import stage_reference
from cleanroom_ml.engine.sql.nodes import (
    AlterObject,
    AlterSession,
    AlterStage,
    AlterTable,
    Begin,
    Block,
    Call,
    ColumnSpec,
    Comment,
    Commit,
    CopyInto,
    CreateComputePool,
    CreateDatabase,
    CreateFileFormat,
    CreateObject,
    CreateSchema,
    CreateStage,
    CreateTable,
    CreateView,
    CreateWarehouse,
    Delete,
    Describe,
    Drop,
    Get,
    Grant,
    InferSchema,
    Insert,
    ListFiles,
    Merge,
    Put,
    Query,
    Remove,
    Rollback,
    SetVariable,
    Show,
    Statement,
    Truncate,
    UnsetVariable,
    Update,
    Use,
)
from cleanroom_ml.engine.sql.source import Source
from cleanroom_ml.engine.sql.tokens import STRING, statements, tokenize

__all__ = [
    "AlterObject",
    "AlterSession",
    "AlterStage",
    "AlterTable",
    "Begin",
    "Block",
    "Call",
    "ColumnSpec",
    "Comment",
    "Commit",
    "CopyInto",
    "CreateComputePool",
    "CreateDatabase",
    "CreateFileFormat",
    "CreateObject",
    "CreateSchema",
    "CreateStage",
    "CreateTable",
    "CreateView",
    "CreateWarehouse",
    "Delete",
    "Describe",
    "Drop",
    "Get",
    "Grant",
    "InferSchema",
    "Insert",
    "ListFiles",
    "Merge",
    "Put",
    "Query",
    "Remove",
    "Rollback",
    "SetVariable",
    "Show",
    "Statement",
    "Truncate",
    "UnsetVariable",
    "Update",
    "Use",
    "classify",
    "may_be_a_script",
]

_QUERY_WORDS: Final = frozenset({"SELECT", "WITH", "VALUES", "("})


def classify(text: str, binds: Binds = NO_BINDS) -> Statement:
    """The one statement that `text` holds. `binds` is asked where a name or an option is bound (IDENTIFIER(?), PUT ?
    ?).

    Raises:
        SqlError: it is no statement, several, or one that this engine does not have.
    """
    BIG_TEXTS.weigh(len(text))
    try:
        with BIG_TEXTS.turn():
            return _classify(text, binds)
    except RecursionError:
        raise SqlError.too_complex() from None


def may_be_a_script(text: str) -> bool:
    """Whether the first statement is a block or a call, or a BEGIN. Raises SqlError: the text is over the bounds."""
    first = next(statements(tokenize(text)), None)
    return first is not None and first[0].upper in {"BEGIN", "DECLARE", "EXECUTE", "CALL"}


def _classify(text: str, binds: Binds) -> Statement:
    found = list(statements(tokenize(text)))
    if len(found) != 1:
        if not found:
            raise SqlError(900, "42000", "SQL compilation error:\nEmpty SQL statement.")
        raise SqlError(8, "0A000", f"Actual statement count {len(found)} did not match the desired statement count 1.")
    tokens = found[0]
    source = Source(text[: tokens[-1].end], tokens, binds)
    first = tokens[0].upper
    if first in _QUERY_WORDS:
        return _query(source)
    reader = _READERS.get(first)
    if reader is None:
        raise SqlError.unsupported(first[:40])
    return reader(source)


def _query(source: Source) -> Statement:
    tree = source.ast()
    if not isinstance(tree, exp.Query):
        raise SqlError.unsupported(type(tree).__name__.upper())
    call = _only_table_function(tree)
    if call is not None and str(call.this).upper() == "INFER_SCHEMA":
        return _infer_schema(source, tree, call)
    return Query(tree)


def _only_table_function(tree: Any) -> Any:
    """The call in `SELECT … FROM TABLE(call(…))`, where nothing else is in FROM."""
    if not isinstance(tree, exp.Select) or tree.args.get("joins") or tree.args.get("with_"):
        return None
    table = tree.args["from_"].this if tree.args.get("from_") else None
    call = table.this if isinstance(table, exp.Table) else None
    if isinstance(call, exp.Anonymous) and str(call.this).upper() == "TABLE" and len(call.expressions) == 1:
        call = call.expressions[0]
    return call if isinstance(call, exp.Anonymous) else None


def _infer_schema(source: Source, tree: Any, call: Any) -> InferSchema:
    if {part for part, value in tree.args.items() if value} - {"expressions", "from_", "order"}:
        raise SqlError.unsupported("INFER_SCHEMA with conditions")
    options: dict[str, str] = {}
    for argument in call.expressions:
        if not isinstance(argument, exp.Kwarg):
            raise SqlError.syntax("INFER_SCHEMA takes named arguments.")
        key = str(argument.this.name).upper()
        if key in {"LOCATION", "FILE_FORMAT"}:
            options[key] = source.constant(argument.expression)
    if "LOCATION" not in options:
        raise SqlError.syntax("INFER_SCHEMA needs LOCATION.")
    location = stage_reference(options["LOCATION"])
    if "FILE_FORMAT" in options:
        location = commands.with_options(location, {"FILE_FORMAT": options["FILE_FORMAT"]})
    columns: list[str] = []
    for projection in tree.expressions:
        if isinstance(projection, exp.Star):
            return InferSchema(location)
        if not isinstance(projection, exp.Column) or projection.args.get("table"):
            raise SqlError.unsupported("INFER_SCHEMA with expressions")
        columns.append(projection.name.upper())
    return InferSchema(location, tuple(columns))


def _insert(source: Source) -> Statement:
    cursor = source.cursor
    cursor.expect("INSERT")
    overwrite = cursor.accept("OVERWRITE")
    if cursor.looking_at("ALL") or cursor.looking_at("FIRST"):
        raise SqlError.unsupported("INSERT into several tables")
    cursor.expect("INTO")
    cursor.accept("TABLE")
    target = source.names.name()
    columns = None
    if cursor.looking_at("(") and not _query_in_brackets(source):
        columns = source.name_list()
    return Insert(target, columns, source.query_here(), overwrite)


def _query_in_brackets(source: Source) -> bool:
    ahead = 0
    while (token := source.cursor.peek(ahead)) is not None and token.text == "(":
        ahead += 1
    return token is not None and token.upper in {"SELECT", "WITH", "VALUES"} and token.kind != "quoted"


def _change(kind: type[Any], node: type[Any]) -> Callable[[Source], Statement]:
    def read(source: Source) -> Statement:
        tree = source.ast()
        if not isinstance(tree, node):
            raise SqlError.syntax("syntax error.")
        made: Statement = kind(source.table_name(tree.this), tree)
        return made

    return read


def _block(source: Source) -> Statement:
    if source.tokens[0].upper == "BEGIN" and (
        len(source.tokens) == 1 or source.tokens[1].upper in {"TRANSACTION", "WORK", "NAME"}
    ):
        return Begin()
    return Block(source.whole)


def _execute(source: Source) -> Statement:
    """EXECUTE IMMEDIATE of one string that is a block."""
    cursor = source.cursor
    cursor.expect("EXECUTE", "IMMEDIATE")
    token = cursor.peek()
    text = cursor.string() if token is not None and token.kind == STRING else source.names.text()
    cursor.expect_end()
    inner = list(statements(tokenize(text)))
    if len(inner) != 1 or inner[0][0].upper not in {"BEGIN", "DECLARE"}:
        raise SqlError.unsupported("EXECUTE IMMEDIATE of anything but a block")
    return Block(text)


def _transaction(made: type[Statement]) -> Callable[[Source], Statement]:
    def read(source: Source) -> Statement:
        source.cursor.next()
        source.cursor.accept("TRANSACTION")
        source.cursor.accept("WORK")
        source.cursor.expect_end()
        return made()

    return read


def _start(source: Source) -> Statement:
    source.cursor.expect("START", "TRANSACTION")
    return Begin()


def _set(source: Source) -> Statement:
    cursor = source.cursor
    cursor.expect("SET")
    if not cursor.looking_at("("):
        name = cursor.part()
        cursor.expect("=")
        return SetVariable((name,), (source.expression_here(),))
    names = source.name_list()
    cursor.expect("=")
    tree = source.expression_here()
    values = (
        tuple(tree.expressions)
        if isinstance(tree, exp.Tuple)
        else ((tree.this,) if isinstance(tree, exp.Paren) else ())
    )
    if len(values) != len(names):
        raise SqlError.syntax("SET needs as many values as names.")
    return SetVariable(names, values)


def _unset(source: Source) -> Statement:
    cursor = source.cursor
    cursor.expect("UNSET")
    names = source.name_list() if cursor.looking_at("(") else (cursor.part(),)
    cursor.expect_end()
    return UnsetVariable(names)


def _call(source: Source) -> Statement:
    return parse_call(source.whole, source.binds)


_READERS: Final[dict[str, Callable[[Source], Statement]]] = {
    "INSERT": _insert,
    "UPDATE": _change(Update, exp.Update),
    "DELETE": _change(Delete, exp.Delete),
    "MERGE": _change(Merge, exp.Merge),
    "BEGIN": _block,
    "DECLARE": _block,
    "EXECUTE": _execute,
    "START": _start,
    "COMMIT": _transaction(Commit),
    "ROLLBACK": _transaction(Rollback),
    "SET": _set,
    "UNSET": _unset,
    "CALL": _call,
    "CREATE": create.read_create,
    "ALTER": alter.read_alter,
    **commands.READERS,
}
