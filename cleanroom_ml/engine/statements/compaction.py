"""Many small INSERTs leave many small objects; now and then the small ones of a table become one."""

from __future__ import annotations

from cleanroom_ml.engine.sql.catalog import TableSource
from cleanroom_ml.engine.sql.compile.queries import compile_rewrite
from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.changes import Replace
from cleanroom_ml.engine.storage.errors import NotFound, SnapshotConflict
from cleanroom_ml.engine.storage.keys import Key, TableObject

SMALL_ROWS = 122_880
MOST_SMALL = 64


def compact(work: Work, key: Key) -> bool:
    """Merges the small objects of a table once it has more than `MOST_SMALL`; whether it did.

    A worker gets a descriptor for each object, so their number must stay bounded. A statement that changes the table
    meanwhile wins: then the next INSERT tries again.
    """
    if work.transactions.current(work.session) is not None:
        return False
    table = work.storage.tables.get(key, work.session.id)
    if table is None or work.bound(key) not in (None, table.snapshot):
        return False
    small = [item for item in table.objects if item.rows < SMALL_ROWS]
    if len(small) <= MOST_SMALL:
        return False
    columns = tuple((column.name, parse_type(column.type)) for column in table.columns)
    bounds = {item.sha256: item.bounds for item in small}
    source = TableSource(columns, tuple(bounds), key=key, snapshot=table.snapshot, bounds=bounds)
    compiled = compile_rewrite(source, [(name, kind, name) for name, kind in columns])
    with work.storage.pin(compiled.inputs):
        written = work.warehouse.write(compiled, columns, query_id=work.query_id, timeout=work.seconds)
    if written.sha256 is None:
        return False
    merged = TableObject(written.sha256, written.rows, written.bytes, written.bounds)
    objects = (*(item for item in table.objects if item.rows >= SMALL_ROWS), merged)
    try:
        work.change([Replace(key, table.snapshot, objects, session_id=work.session.id)])
    except (SnapshotConflict, NotFound):
        return False
    return True
