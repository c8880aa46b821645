"""The options of a statement that say how the files of a stage are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from cleanroom_ml.engine.sql.binds import Option
from cleanroom_ml.engine.sql.catalog import StageReference
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.names import folded


def with_options(reference: StageReference, options: Mapping[str, Option]) -> StageReference:
    """A stage reference with the FILE_FORMAT and PATTERN of a statement's options. FILE_FORMAT is a name or `(TYPE =
    …)`.
    """
    fmt, pattern = options.get("FILE_FORMAT"), options.get("PATTERN")
    name: tuple[str, ...] | None = None
    given: tuple[tuple[str, Option], ...] = ()
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
