"""What a query request is, whatever session sends it: its bound values, and what makes two of them the same."""

from __future__ import annotations

import hashlib
import json

from cleanroom_ml.engine.protocol.bindings import Bindings
from cleanroom_ml.engine.protocol.queries import QueryRequest
from cleanroom_ml.engine.sql.binds import NO_BINDS, Binds
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.classify import classify, may_be_a_script
from cleanroom_ml.engine.statements.registry import kind_of


def binds_of(bindings: Bindings | None) -> Binds | None:
    """The bound values of a request, as SQL takes them."""
    if bindings is None:
        return None
    return Binds(positional=bindings.values, named=bindings.named, rows=bindings.rows, staged=bindings.staged)


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
