"""PUT, GET, LIST, REMOVE: the files of a stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from cleanroom_ml.engine.sql.binds import Option
from cleanroom_ml.engine.sql.catalog import StageReference
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.tokens import URL
from cleanroom_ml.engine.sql.read.form import Form
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.stage_options import with_options
from cleanroom_ml.engine.sql.read.statement import Statement


@dataclass(frozen=True, slots=True)
class Put(Statement):
    """PUT 'file://…' @stage options. `source` as written, without `file://`. Options in upper case (PARALLEL,
    AUTO_COMPRESS, SOURCE_COMPRESSION, OVERWRITE). `bound`: the text does not hold the source, a bound value does.
    """

    source: str
    target: StageReference
    options: Mapping[str, Option] = field(default_factory=dict)
    bound: bool = False


@dataclass(frozen=True, slots=True)
class Get(Statement):
    """GET @stage/path 'file://…' options."""

    source: StageReference
    target: str
    options: Mapping[str, Option] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListFiles(Statement):
    source: StageReference


@dataclass(frozen=True, slots=True)
class Remove(Statement):
    source: StageReference


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


_list = _listed(ListFiles)
_remove = _listed(Remove)
FORMS: Final = (
    *(Form(("PUT",), _put), Form(("GET",), _get), Form(("LIST",), _list), Form(("LS",), _list)),
    *(Form(("REMOVE",), _remove), Form(("RM",), _remove)),
)
