"""Rows of a batch that lie in a stage: drivers put them there, as CSV, where they are many.

The connector (`bind_upload_agent`) names each file by how many rows there are up to its end: so it can be told whether
all of them are there.
"""

from __future__ import annotations

import re
from typing import Final

from cleanroom_ml.engine.sql.binds import StagedRows
from cleanroom_ml.engine.sql.catalog import Catalog, FileOptions, StageCatalog, StagedSource, StageReference
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.files.staged import staged_relation
from cleanroom_ml.engine.sql.resolve.resolver import Resolver
from cleanroom_ml.engine.sql.tree.dialect import Node, raw

# As the connector creates the stage; and no text of a value stands for NULL, which is an empty field without quotes.
_OPTIONS: Final = FileOptions(type="CSV", field_optionally_enclosed_by='"', null_if=(), escape_unenclosed_field=None)
_ROWS: Final = re.compile(r"(?:.*/)?([1-9][0-9]{0,17})\.csv(?:\.gz)?\Z")


def staged_rows(staged: StagedRows, width: int, catalog: Catalog, resolver: Resolver) -> tuple[Node, int | None]:
    """The rows as a relation `_BATCH` of texts `_1`, `_2`, …, `width` of them, in the order in which they were bound;
    and how many there must be, where the files' names say so.

    Raises:
        SqlError: the stage is not there, or not for this session; it holds nothing there; there is nothing bound.
    """
    found = catalog.staged(StageReference(staged.stage, staged.path)) if isinstance(catalog, StageCatalog) else None
    if found is None:
        raise SqlError.not_found("Stage", ".".join(staged.stage))
    if not found.files or not width:
        raise SqlError.bad_value("There are no bound values: their files are not in the stage any more.")
    counts = [int(named.group(1)) for file in found.files if (named := _ROWS.match(file.path))]
    files = sorted(found.files, key=lambda file: (len(file.path), file.path))
    relation = staged_relation(resolver.build, StagedSource(tuple(files), _OPTIONS), width, exact=True)
    listed = ", ".join(f'"${number + 1}" AS "_{number + 1}"' for number in range(width))
    made = raw(f'(SELECT {listed} FROM {{0}} AS _files) AS "_BATCH"', relation)
    return made, max(counts) if len(counts) == len(found.files) else None
