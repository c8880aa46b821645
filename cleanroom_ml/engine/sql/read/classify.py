"""From a statement's text to the statement that the front acts on."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.load.big_texts import BIG_TEXTS
from cleanroom_ml.engine.sql.binds import NO_BINDS, Binds
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.split import statements
from cleanroom_ml.engine.sql.lex.tokens import tokenize
from cleanroom_ml.engine.sql.read.pipe import FLOW, pipe_of
from cleanroom_ml.engine.sql.read.query import Query
from cleanroom_ml.engine.sql.read.read_before import READ
from cleanroom_ml.engine.sql.read.registry import forms
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Statement

_SCRIPTS: Final = frozenset({"BEGIN", "DECLARE", "EXECUTE", "CALL"})
_WORDS: Final = frozenset(
    {
        "ALTER", "ASSOCIATE", "BACKUP", "BEGIN", "CALL", "COMMENT", "COMMIT", "COPY", "CREATE", "DECLARE", "DELETE",
        "DESC", "DESCRIBE", "DROP", "END", "EXECUTE", "EXPLAIN", "FOR", "FROM", "GET", "GRANT", "IF", "INSERT", "LET",
        "LIST", "LS", "LOOP", "MERGE", "NULL", "PUT", "REMOVE", "REPEAT", "RESTORE", "RETURN", "REVOKE", "RM",
        "ROLLBACK", "SELECT", "SET", "SHOW", "START", "TABLE", "TRUNCATE", "UNDROP", "UNSET", "UPDATE", "USE", "VALUES",
        "WHILE", "WITH",
    }
)  # fmt: skip
"""What Snowflake's statements begin with (sql-reference/sql-all): anything else is no statement that it has."""


def classify(text: str, binds: Binds = NO_BINDS) -> Statement:
    """The one statement that `text` holds. `binds` is asked where a name or an option is bound (IDENTIFIER(?), PUT ?
    ?).

    Raises:
        SqlError: it is no statement, several, or one that this engine does not have.
    """
    BIG_TEXTS.weigh(len(text))
    known = READ.get(text)
    if known is not None:
        return known
    try:
        with BIG_TEXTS.turn():
            found = _classify(text, binds)
    except RecursionError:
        raise SqlError.too_complex() from None
    if type(found) is Query:  # of which nothing is bound before it is compiled
        READ.keep(text, found)
    return found


def may_be_a_script(text: str) -> bool:
    """Whether the first statement is a block, a call or a pipe, or a BEGIN. Raises SqlError: the text is over the
    bounds.
    """
    first = next(statements(tokenize(text)), None)
    return first is not None and (first[0].upper in _SCRIPTS or any(token.text == FLOW for token in first))


def _classify(text: str, binds: Binds) -> Statement:
    found = list(statements(tokenize(text)))
    if len(found) != 1:
        if not found:
            raise SqlError(900, "42000", "SQL compilation error:\nEmpty SQL statement.")
        raise SqlError(8, "0A000", f"Actual statement count {len(found)} did not match the desired statement count 1.")
    tokens = found[0]
    source = Source(text[: tokens[-1].end], tokens, binds)
    first = tokens[0].upper
    pipe = None if first in {"BEGIN", "DECLARE"} else pipe_of(text, tokens)
    if pipe is not None:
        if binds.positional or binds.is_batch:
            raise SqlError.unsupported("bound values in a pipe")
        return pipe
    for form in forms().get(first, ()):
        if source.cursor.looking_at(*form.words):
            return form.read(source)
    if first not in _WORDS and first.isidentifier():
        raise _unexpected(source)
    raise SqlError.unsupported(first[:40])


def _unexpected(source: Source) -> SqlError:
    """The error of a text whose first word begins no statement."""
    token = source.tokens[0]
    before = source.text[: token.start]
    line, position = before.count("\n") + 1, token.start - (before.rfind("\n") + 1)
    return SqlError.syntax(f"syntax error line {line} at position {position} unexpected '{token.text[:60]}'.")
