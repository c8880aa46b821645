"""`python statements_victim.py HOME SESSION QUERY`: an INSERT killed between the write of its rows and their commit."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from cleanroom_ml.engine.statements.executor import Executor
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.engine.warehouse.pool import Warehouse


def main(home: str, session_id: str, query_id: str) -> None:
    storage = Storage.open(Path(home))
    session = storage.sessions.get(session_id)
    assert session is not None

    def killed(*_: Any, **__: Any) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)

    storage.tables.commit = killed  # type: ignore[method-assign]
    warehouse = Warehouse(storage.objects, storage.queries.spool, size=1)
    Executor(storage, warehouse).execute(session, "INSERT INTO t VALUES (1), (2)", query_id=query_id)


if __name__ == "__main__":
    main(*sys.argv[1:])
