"""Commands with a fixed grammar: USE, SHOW, DESCRIBE, DROP, TRUNCATE, GRANT, COMMENT, and those over stages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from sqlglot import exp

from cleanroom_ml.engine.sql.catalog import StageReference
from cleanroom_ml.engine.sql.dialect import parse_ast
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.tokens import PUNCTUATION, STAGE, STRING, URL
from cleanroom_ml.engine.sql.read.names import folded, stage_reference
from cleanroom_ml.engine.sql.read.nodes import (
    Comment,
    CopyInto,
    Describe,
    Drop,
    Get,
    Grant,
    ListFiles,
    Put,
    Remove,
    Show,
    Statement,
    Truncate,
    Use,
)
from cleanroom_ml.engine.sql.read.source import Source

_KINDS: Final = (
    ("FILE", "FORMAT"),
    ("COMPUTE", "POOL"),
    ("TABLE",),
    ("VIEW",),
    ("DATABASE",),
    ("SCHEMA",),
    ("STAGE",),
    ("WAREHOUSE",),
    ("APPLICATION",),
)
_SHOWN: Final = (
    ("TABLES",),
    ("VIEWS",),
    ("OBJECTS",),
    ("COLUMNS",),
    ("SCHEMAS",),
    ("DATABASES",),
    ("STAGES",),
    ("FILE", "FORMATS"),
    ("WAREHOUSES",),
    ("COMPUTE", "POOLS"),
    ("COMPUTE", "POOL", "INSTANCE", "FAMILIES"),
    ("ROLES",),
    ("USERS",),
    ("GRANTS",),
    ("PARAMETERS",),
    ("VARIABLES",),
    ("PROCEDURES",),
    ("FUNCTIONS",),
    ("USER", "FUNCTIONS"),
    ("USER", "PROCEDURES"),
    ("APPLICATIONS",),
    ("PRIMARY", "KEYS"),
    ("IMPORTED", "KEYS"),
    ("UNIQUE", "KEYS"),
    ("TRANSACTIONS",),
    ("SERVICES",),
    ("VERSIONS",),
    ("SECRETS",),
    ("ORGANIZATION", "ACCOUNTS"),
    ("ACCOUNTS",),
)


def with_options(reference: StageReference, options: Mapping[str, Any]) -> StageReference:
    """A stage reference with the FILE_FORMAT and PATTERN of a statement's options. FILE_FORMAT is a name or `(TYPE =
    …)`.
    """
    fmt, pattern = options.get("FILE_FORMAT"), options.get("PATTERN")
    name: tuple[str, ...] | None = None
    given: tuple[tuple[str, Any], ...] = ()
    if isinstance(fmt, str):
        name = folded(fmt)
    elif isinstance(fmt, Mapping):
        rest = dict(fmt)
        named = rest.pop("FORMAT_NAME", None)
        name = folded(named) if isinstance(named, str) else None
        given = tuple(rest.items())
    elif fmt is not None and fmt != ():
        raise SqlError.syntax("FILE_FORMAT must be a name or (TYPE = …).")
    return replace(reference, file_format=name, options=given, pattern=pattern if isinstance(pattern, str) else None)


def _kind(source: Source, kinds: tuple[tuple[str, ...], ...] = _KINDS) -> str | None:
    for words in kinds:
        if source.cursor.accept(*words):
            return " ".join(words)
    return None


def _use(source: Source) -> Statement:
    cursor = source.cursor
    cursor.expect("USE")
    kind = "DATABASE"
    if cursor.accept("SECONDARY", "ROLES"):
        kind = "SECONDARY ROLES"
    elif (token := cursor.peek(1)) is not None and token.text not in {".", ";"}:
        kind = cursor.word()
        if kind == "IDENTIFIER":
            cursor.at -= 1
            kind = "DATABASE"
    if kind not in {"DATABASE", "SCHEMA", "WAREHOUSE", "ROLE", "SECONDARY ROLES"}:
        raise SqlError.unsupported(f"USE {kind[:40]}")
    name = source.names.name(2)
    cursor.expect_end()
    return Use(kind, name)


def _show(source: Source) -> Statement:
    cursor = source.cursor
    cursor.expect("SHOW")
    terse = cursor.accept("TERSE")
    kind = _kind(source, tuple(sorted(_SHOWN, key=len, reverse=True)))
    if kind is None:
        what = cursor.peek()
        raise SqlError.unsupported(f"SHOW {what.upper[:40] if what else ''}".strip())
    cursor.accept("HISTORY")
    like = source.names.text() if cursor.accept("LIKE") else None
    scope_kind, scope = None, None
    if cursor.accept("IN") or (
        kind == "GRANTS" and (cursor.accept("ON") or cursor.accept("TO") or cursor.accept("OF"))
    ):
        scope_kind = _kind(
            source,
            (
                ("ACCOUNT",),
                ("SESSION",),
                ("DATABASE",),
                ("SCHEMA",),
                ("TABLE",),
                ("VIEW",),
                ("APPLICATION",),
                ("USER",),
                ("ROLE",),
                ("WAREHOUSE",),
                ("COMPUTE", "POOL"),
                ("STAGE",),
            ),
        )
        if (
            scope_kind not in {"ACCOUNT", "SESSION"}
            and not cursor.done
            and not any(cursor.looking_at(word) for word in ("STARTS", "LIMIT", "LIKE"))
        ):
            scope = source.names.name()
    if like is None and cursor.accept("LIKE"):
        like = source.names.text()
    starts = source.names.text() if cursor.accept("STARTS", "WITH") else None
    limit, from_name = None, None
    if cursor.accept("LIMIT"):
        number = cursor.next().text
        if not number.isdecimal():
            raise SqlError.syntax("LIMIT needs a number.")
        limit = int(number)
        from_name = source.names.text() if cursor.accept("FROM") else None
    cursor.expect_end()
    return Show(kind, like, scope_kind, scope, terse, starts, limit, from_name)


def _describe(source: Source) -> Statement:
    cursor = source.cursor
    cursor.next()
    if cursor.accept("RESULT"):
        query_id = source.names.text()
        cursor.expect_end()
        return Describe("RESULT", (), query_id)
    kind = _kind(source) or "TABLE"
    name = source.names.name()
    cursor.accept("TYPE")
    source.names.options()
    cursor.accept("COLUMNS")
    cursor.expect_end()
    return Describe(kind, name)


def _drop(source: Source) -> Statement:
    cursor = source.cursor
    cursor.expect("DROP")
    kind = _kind(source)
    if kind is None or kind == "APPLICATION":
        what = cursor.peek()
        raise SqlError.unsupported(f"DROP {kind or (what.upper[:40] if what else '')}".strip())
    if_exists = cursor.accept("IF", "EXISTS")
    name = source.names.name()
    if_exists = cursor.accept("IF", "EXISTS") or if_exists
    cascade = not cursor.accept("RESTRICT")
    cursor.accept("CASCADE")
    cursor.expect_end()
    return Drop(kind, name, if_exists, cascade)


def _truncate(source: Source) -> Statement:
    cursor = source.cursor
    cursor.expect("TRUNCATE")
    cursor.accept("TABLE")
    if_exists = cursor.accept("IF", "EXISTS")
    name = source.names.name()
    cursor.expect_end()
    return Truncate(name, if_exists)


def _grant(source: Source) -> Statement:
    """GRANT p, q ON kind name TO kind grantee; what is granted is the executor's to judge."""
    cursor = source.cursor
    revoke = cursor.next().upper == "REVOKE"
    privileges = [""]
    while not cursor.looking_at("ON") and not cursor.looking_at("TO"):
        word = cursor.next()
        if word.text == ",":
            privileges.append("")
        else:
            privileges[-1] = f"{privileges[-1]} {word.upper}".strip()
    if not cursor.accept("ON"):
        raise SqlError.unsupported("GRANT of roles")
    kind = _kind(source)
    if kind is None:
        raise SqlError.unsupported("GRANT on this")
    name = source.names.name()
    cursor.expect("FROM" if revoke else "TO")
    grantee_kind = "ROLE"
    after = cursor.peek(1)
    if after is not None and after.text != ";":
        grantee_kind = cursor.word()
        if grantee_kind in {"DATABASE", "APPLICATION"} and cursor.accept("ROLE"):
            grantee_kind += " ROLE"
    grantee = source.names.name()
    if not cursor.done and cursor.accept("WITH", "GRANT", "OPTION"):
        raise SqlError.unsupported("WITH GRANT OPTION")
    cursor.expect_end()
    return Grant(tuple(privileges), kind, name, grantee_kind, grantee, revoke)


def _comment(source: Source) -> Statement:
    cursor = source.cursor
    cursor.expect("COMMENT")
    if_exists = cursor.accept("IF", "EXISTS")
    cursor.expect("ON")
    kind = _kind(source, (*_KINDS, ("COLUMN",)))
    if kind is None:
        raise SqlError.unsupported("COMMENT on this")
    name = source.names.name(4)
    cursor.expect("IS")
    text = source.names.text()
    cursor.expect_end()
    return Comment(kind, name, text, if_exists)


def _local_file(source: Source) -> str:
    """`'file://…'`, bare `file://…`, or a placeholder; without `file://`."""
    cursor = source.cursor
    token = cursor.peek()
    text = cursor.next().text if token is not None and token.kind == URL else source.names.text()
    if not text.lower().startswith("file://"):
        raise SqlError.syntax("a local file is written as 'file://<path>'.")
    return text[len("file://") :]


def _put(source: Source) -> Statement:
    cursor = source.cursor
    cursor.expect("PUT")
    bound = (token := cursor.peek()) is None or "file://" not in token.text
    path = _local_file(source)
    target = source.names.stage()
    options = source.names.options()
    cursor.expect_end()
    return Put(path, target, options, bound)


def _get(source: Source) -> Statement:
    cursor = source.cursor
    cursor.expect("GET")
    reference = source.names.stage()
    path = _local_file(source)
    options = source.names.options()
    cursor.expect_end()
    return Get(with_options(reference, options), path, options)


def _listed(made: Callable[[StageReference], Statement]) -> Callable[[Source], Statement]:
    def read(source: Source) -> Statement:
        source.cursor.next()
        reference = source.names.stage()
        options = source.names.options()
        if set(options) - {"PATTERN"}:
            raise SqlError.unsupported("this option")
        source.cursor.expect_end()
        return made(with_options(reference, options))

    return read


def _copy(source: Source) -> Statement:
    cursor = source.cursor
    cursor.expect("COPY", "INTO")
    token = cursor.peek()
    if token is not None and (token.kind == STAGE or (token.kind == STRING)):
        raise SqlError.unsupported("COPY INTO a stage")
    target = source.names.name()
    columns = source.name_list() if cursor.looking_at("(") else None
    cursor.expect("FROM")
    tree = None
    if cursor.looking_at("("):
        before = sum(item.kind == PUNCTUATION and item.text == "?" for item in source.tokens[: cursor.at])
        group = cursor.group()
        if not group:
            raise cursor.surprise("expected a query")
        tree = parse_ast(source.text[group[0].start : group[-1].end], placeholders_before=before)
        reference = _stage_of(source, tree)
    else:
        reference = source.names.stage()
    options = source.names.options()
    cursor.expect_end()
    files = options.pop("FILES", ())
    merged = with_options(reference, options)
    if merged.file_format is None and not merged.options:
        merged = replace(merged, file_format=reference.file_format)
    rest = {key: value for key, value in options.items() if key not in {"FILE_FORMAT", "PATTERN"}}
    return CopyInto(
        target,
        columns,
        merged,
        tuple(str(file) for file in (files if isinstance(files, tuple) else (files,))),
        tree,
        rest,
    )


def _stage_of(source: Source, tree: Any) -> StageReference:
    """The one stage that a COPY's SELECT reads."""
    if not isinstance(tree, exp.Select) or tree.args.get("joins") or not tree.args.get("from_"):
        raise SqlError.unsupported("this query in COPY INTO")
    table = tree.args["from_"].this
    if isinstance(table, exp.Table) and isinstance(table.this, exp.Var | exp.Literal | exp.RawString):
        return stage_reference(str(table.this.this))
    if isinstance(table, exp.Table) and isinstance(table.this, exp.Placeholder):
        return stage_reference(source.constant(table.this))
    raise SqlError.unsupported("this query in COPY INTO")


READERS: Final[dict[str, Callable[[Source], Statement]]] = {
    "USE": _use,
    "SHOW": _show,
    "DESC": _describe,
    "DESCRIBE": _describe,
    "DROP": _drop,
    "TRUNCATE": _truncate,
    "GRANT": _grant,
    "REVOKE": _grant,
    "COMMENT": _comment,
    "PUT": _put,
    "GET": _get,
    "LIST": _listed(ListFiles),
    "LS": _listed(ListFiles),
    "REMOVE": _listed(Remove),
    "RM": _listed(Remove),
    "COPY": _copy,
}
