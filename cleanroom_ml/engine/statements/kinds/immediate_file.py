"""EXECUTE IMMEDIATE FROM @stage/file (sql-reference/sql/execute-immediate-from): its statements run one after
another, as if the session had sent them, with its rights and no others. What ran before one that fails stays.
"""

from __future__ import annotations

import posixpath
from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.load import cancellation
from cleanroom_ml.engine.load.big_texts import BIG_TEXTS
from cleanroom_ml.engine.sql.catalog import StageReference
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.split import statements
from cleanroom_ml.engine.sql.lex.tokens import Token, tokenize
from cleanroom_ml.engine.sql.read.block import ImmediateFile
from cleanroom_ml.engine.sql.read.classify import classify
from cleanroom_ml.engine.statements import blocks
from cleanroom_ml.engine.statements.kept import inner_binds
from cleanroom_ml.engine.statements.kind import Kind, Roles
from cleanroom_ml.engine.statements.refusals import displayed
from cleanroom_ml.engine.statements.results import Download, StatementResult, Upload, success
from cleanroom_ml.engine.statements.work import Work

_LARGEST: Final = 10 << 20
_DEEPEST: Final = 5
_MOST: Final = 200
"""As many as a request may have (queries/service.py)."""
_AS_IT_IS: Final = (
    "PUT compresses a text that it is not told to leave as it is: PUT it again with AUTO_COMPRESS = FALSE"
)
_FILE: Final = ("EXECUTE", "IMMEDIATE", "FROM")


def immediate_file(work: Work, statement: ImmediateFile) -> StatementResult:
    """EXECUTE IMMEDIATE FROM, of a file by its stage. Raises SqlError."""
    if statement.source is None:
        raise SqlError(
            1503,
            "42601",
            f"Relative file references like '{statement.relative[:200]}' cannot be used in top-level EXECUTE IMMEDIATE "
            "calls.",
        )
    return _run(work, statement.source, 1)


def _run(work: Work, source: StageReference, depth: int) -> StatementResult:
    if depth > _DEEPEST:
        raise SqlError.unsupported(f"EXECUTE IMMEDIATE FROM in more than {_DEEPEST} files inside of each other")
    text = _text(work, source)
    found = list(statements(tokenize(text)))
    if len(found) > _MOST:
        raise SqlError.unsupported(f"more than {_MOST} statements in one file")
    result: StatementResult = success()
    for number, tokens in enumerate(found, start=1):
        cancellation.check()
        try:
            result = _one(work, source, text, tokens, depth, last=number == len(found))
        except SqlError as error:
            raise _located(error, source.path, text, tokens[0]) from error
    return result


def _one(
    work: Work, source: StageReference, text: str, tokens: list[Token], depth: int, *, last: bool
) -> StatementResult:
    written = text[tokens[0].start : tokens[-1].end]
    if tuple(token.upper for token in tokens[:3]) == _FILE:
        inner = classify(written, inner_binds(work, {}))
        assert isinstance(inner, ImmediateFile)
        return _run(work, inner.source or _beside(source, inner.relative), depth + 1)
    if last and not work.nested:
        result = work.run(written, {})
        if isinstance(result, Upload | Download):
            raise SqlError.unsupported("PUT and GET in a staged file")
        return result
    one = blocks.run_one(work, written, {})
    blocks.finished(work, one)
    # In a block the rows of the last one are its own: they are handed on by value, as those of a SELECT there.
    return one.handle if last and isinstance(one.handle, Rows) else success()


def _text(work: Work, source: StageReference) -> str:
    stage = work.stages.existing(source.parts)
    listed = work.stages.files(stage, source.path)
    file = next((each for each in listed if each.path == source.path), None)
    if file is None:
        packed = f"{source.path}.gz"
        hint = f" There is '{packed[:200]}'. {_AS_IT_IS}" if any(each.path == packed for each in listed) else ""
        raise SqlError(
            1501, "02000", f"File '{source.path[:200]}' not found in stage '{displayed(source.parts)}'.{hint}"
        )
    if file.size > _LARGEST:
        raise SqlError.unsupported(f"a file of {file.size:,} bytes: at most {_LARGEST:,} are executed")
    BIG_TEXTS.weigh(file.size)
    with work.storage.pin((file.sha256,)), open(work.storage.objects.open(file.sha256), "rb") as opened:
        plain = opened.read(_LARGEST + 1)
    try:
        text = plain.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SqlError.syntax(f"the file '{source.path[:200]}' is no text in UTF-8. {_AS_IT_IS}") from None
    if text.lstrip()[:10].lower().startswith(("--!jinja", "#!jinja")):
        raise SqlError.unsupported(
            "EXECUTE IMMEDIATE FROM a file that is a Jinja template (--!jinja): render it where you are, and upload "
            "what comes out"
        )
    return text


def _beside(source: StageReference, relative: str) -> StageReference:
    """A file by its path from the file that names it; `/` is the root of the stage. Raises SqlError."""
    path = posixpath.normpath(posixpath.join("/", posixpath.dirname(source.path), relative)).lstrip("/")
    climbed = posixpath.normpath(posixpath.join(posixpath.dirname(source.path), relative.lstrip("/")))
    if climbed.startswith("..") or "\0" in path:
        raise SqlError.syntax(f"Invalid stage path {relative[:100]}")
    return StageReference(source.parts, path)


def _located(error: SqlError, path: str, text: str, first: Token) -> SqlError:
    """The error of a statement, and where it stands (that page, "Access control errors")."""
    line = text.count("\n", 0, first.start) + 1
    position = first.start - (text.rfind("\n", 0, first.start) + 1)
    where = f"Uncaught exception of type 'STATEMENT_ERROR' in file {path} on line {line} at position {position}"
    return SqlError(error.code, error.sqlstate, f"{where}: {error.message}")


KINDS: Final = (Kind(ImmediateFile, immediate_file, wire=None, roles=Roles.ELSEWHERE, one_commit=False),)
