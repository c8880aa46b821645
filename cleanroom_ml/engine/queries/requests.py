"""What a query request is, whatever session sends it: its bound values, and what makes two of them the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

from cleanroom_ml.engine.load.big_texts import BIG_TEXTS
from cleanroom_ml.engine.protocol.bindings import Bindings
from cleanroom_ml.engine.protocol.queries import QueryRequest, statement_count
from cleanroom_ml.engine.sql.binds import NO_BINDS, Binds
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.split import split
from cleanroom_ml.engine.sql.lex.tokens import PUNCTUATION, tokenize
from cleanroom_ml.engine.sql.read.classify import classify, may_be_a_script
from cleanroom_ml.engine.statements.registry import kind_of
from cleanroom_ml.engine.storage.sessions import Session


def binds_of(bindings: Bindings | None) -> Binds | None:
    """The bound values of a request, as SQL takes them."""
    if bindings is None:
        return None
    return Binds(positional=bindings.values, named=bindings.named, rows=bindings.rows, staged=bindings.staged)


def shared_out(bindings: Bindings | None, texts: Sequence[str]) -> list[Bindings | None]:
    """What of a request's bound values each of its statements has: those of its own `?`, counted on from the one before
    (connector: `cursor.execute` binds one list of values to all of them). Values with names are everybody's.

    Raises:
        SqlError: there are more or fewer values than `?`, or they lie in a stage.
    """
    if bindings is None:
        return [None] * len(texts)
    if bindings.staged is not None:
        raise SqlError.unsupported("values that are bound through a stage, with several statements")
    wanted = [sum(token.text == "?" and token.kind == PUNCTUATION for token in tokenize(text)) for text in texts]
    width = len(bindings.rows[0]) if bindings.rows else len(bindings.values)
    if not any(wanted) and bindings.rows is None:
        return [bindings] * len(texts)
    if sum(wanted) != width:
        raise SqlError(
            2049, "42601", f"SQL compilation error: error\nThe statements have {sum(wanted)} `?`, {width} are bound."
        )
    shares: list[Bindings | None] = []
    start = 0
    for count in wanted:
        part = slice(start, start + count)
        if bindings.rows is None:
            shares.append(replace(bindings, values=bindings.values[part]))
        else:
            shares.append(replace(bindings, rows=tuple(row[part] for row in bindings.rows)) if count else None)
        start += count
    return shares


def count_of(session: Session, request: QueryRequest) -> int:
    """How many statements a request that does not say it is to have (sql-reference/parameters.md,
    MULTI_STATEMENT_COUNT). One statement where any number may come is a statement like every other.
    """
    count = statement_count(session.parameters.get("MULTI_STATEMENT_COUNT", "1"))
    if count in {None, 1}:
        return 1
    BIG_TEXTS.weigh(len(request.sql))
    one = count == 0 and len(split(request.sql)) <= 1
    return 1 if one or count is None else count


def is_one_commit(request: QueryRequest) -> bool:
    """Whether the statement changes what it changes in one transaction. A block or a procedure may have done a half."""
    if request.statements not in {None, 1}:
        return True  # each of several decides for itself
    try:
        if not may_be_a_script(request.sql):
            return True  # nothing big is parsed here: whoever repeats a request does not wait for a place
        return kind_of(classify(request.sql, binds_of(request.bindings) or NO_BINDS)).one_commit
    except SqlError:
        return False


def fingerprint(request: QueryRequest) -> str:
    """What makes two requests the same statement; the text itself is not kept."""
    parts = json.dumps([request.sql, request.describe_only, request.asynchronous, request.statements])
    digest = hashlib.sha256(parts.encode())
    if request.bindings is not None:
        one = (request.bindings.values, *request.bindings.named.items(), request.bindings.staged)
        digest.update(repr(one).encode("utf-8", "backslashreplace"))
        for row in request.bindings.rows or ():  # in steps: one text of millions of values would hold up everybody
            digest.update(repr(row).encode("utf-8", "backslashreplace"))
    return digest.hexdigest()
