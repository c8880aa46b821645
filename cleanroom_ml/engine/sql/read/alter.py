"""ALTER statements."""

from __future__ import annotations

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.create import _columns, _items, read_type
from cleanroom_ml.engine.sql.read.nodes import AlterObject, AlterSession, AlterStage, AlterTable, Statement
from cleanroom_ml.engine.sql.read.source import Source

__all__ = ["read_alter", "read_type"]


def read_alter(source: Source) -> Statement:
    """ALTER SESSION, TABLE, STAGE, WAREHOUSE and COMPUTE POOL. Raises SqlError."""
    cursor = source.cursor
    cursor.expect("ALTER")
    if cursor.accept("SESSION"):
        return _session(source)
    if cursor.accept("TABLE"):
        return _table(source)
    if cursor.accept("STAGE"):
        return _stage(source)
    if cursor.accept("WAREHOUSE"):
        return _object(source, "WAREHOUSE")
    if cursor.accept("COMPUTE", "POOL"):
        return _object(source, "COMPUTE POOL")
    what = cursor.peek()
    raise SqlError.unsupported(f"ALTER {what.upper[:40] if what else ''}".strip())


def _session(source: Source) -> AlterSession:
    cursor = source.cursor
    if cursor.accept("SET"):
        options = source.names.options()
        cursor.expect_end()
        return AlterSession(options)
    cursor.expect("UNSET")
    names = [cursor.part().upper()]
    while cursor.accept(",") or (not cursor.done and not cursor.looking_at(";")):
        names.append(cursor.part().upper())
    cursor.expect_end()
    return AlterSession({}, tuple(names))


def _table(source: Source) -> AlterTable:
    cursor = source.cursor
    if_exists = cursor.accept("IF", "EXISTS")
    name = source.names.name()
    if cursor.accept("RENAME", "TO"):
        made = AlterTable(name, "rename", new_name=source.names.name(), if_exists=if_exists)
    elif cursor.accept("RENAME", "COLUMN"):
        old = cursor.part()
        cursor.expect("TO")
        made = AlterTable(name, "rename column", names=(old, cursor.part()), if_exists=if_exists)
    elif cursor.accept("ADD"):
        cursor.accept("COLUMN")
        if cursor.looking_at("CONSTRAINT") or cursor.looking_at("ROW"):
            raise SqlError.unsupported("ALTER TABLE ADD of this")
        start = cursor.at
        items = _items(cursor.tokens[start:])
        cursor.at = len(cursor.tokens)
        made = AlterTable(name, "add", columns=_columns(source, items, start + 1), if_exists=if_exists)
    elif cursor.accept("DROP"):
        cursor.accept("COLUMN")
        names = [cursor.part()]
        while cursor.accept(","):
            names.append(cursor.part())
        made = AlterTable(name, "drop", names=tuple(names), if_exists=if_exists)
    else:
        raise SqlError.unsupported("this ALTER TABLE")
    cursor.expect_end()
    return made


def _stage(source: Source) -> AlterStage:
    cursor = source.cursor
    if_exists = cursor.accept("IF", "EXISTS")
    name = source.names.name()
    if cursor.accept("REFRESH"):
        options = source.names.options()
        if set(options) - {"SUBPATH"}:
            raise SqlError.unsupported("this ALTER STAGE … REFRESH")
        made = AlterStage(name, True, options, if_exists)
    else:
        cursor.expect("SET")
        made = AlterStage(name, False, source.names.options(), if_exists)
    cursor.expect_end()
    return made


def _object(source: Source, kind: str) -> AlterObject:
    cursor = source.cursor
    if_exists = cursor.accept("IF", "EXISTS")
    name = source.names.name()
    for words in (("SUSPEND",), ("RESUME",), ("STOP", "ALL"), ("SET",)):
        if cursor.accept(*words):
            if words == ("RESUME",):
                cursor.accept("IF", "SUSPENDED")
            options = source.names.options() if words == ("SET",) else {}
            cursor.expect_end()
            return AlterObject(kind, name, " ".join(words), options, if_exists)
    raise SqlError.unsupported(f"this ALTER {kind}")
