"""Load on a front in this process: statements sent over the wire, and what of the front is in use meanwhile."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from guarantees_front import Front
from guarantees_wire import Wire

from cleanroom_ml.connection.session import Connection

FOREVER = "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT COUNT(*) FROM r"
BLOCK = "BEGIN LET f := TRUE; WHILE (f) DO FOR i IN 1 TO 3 DO f := TRUE; END FOR; END WHILE; RETURN 1; END"


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    """Fails where it does not become true in time."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Client(Wire):
    """A session, as raw requests."""

    def send(self, text: str, *, asynchronous: bool = True, request_id: str = "", **body: Any) -> dict[str, Any]:
        """The answer to a statement; `body` is what else the request holds."""
        path = f"/queries/v1/query-request?requestId={request_id or uuid.uuid4()}"
        return self.json("POST", path, {"sqlText": text, "asyncExec": asynchronous, **body})

    def begin(self, text: str, **body: Any) -> str:
        """Its query id, before it has ended."""
        query_id: str = self.send(text, **body)["data"]["queryId"]
        return query_id

    def status(self, query_id: str) -> str:
        found: str = self.json("GET", f"/monitoring/queries/{query_id}")["data"]["queries"][0]["status"]
        return found

    def cancel(self, query_id: str) -> bool:
        return bool(self.json("POST", f"/queries/{query_id}/abort-request", {})["success"])


class Use:
    """What is in use of a front: statements, workers, threads that work, descriptors."""

    def __init__(self, front: Front) -> None:
        self._engine = front.engine
        self._home = str(front.home.path)

    @property
    def workers(self) -> int:
        return self._engine.warehouse._workers._shares.taken

    @property
    def statements(self) -> int:
        return len(self._engine.queries._under_way.all())

    def none(self) -> bool:
        """Everything is free, and no file of a statement's is open."""
        under_way = self._engine.queries._under_way
        free = not (self.workers or self.statements or under_way._queues or under_way._counts)
        return free and not under_way._threads._working and not self.files()

    def files(self) -> list[str]:
        """Objects, results and what is being written."""
        found = []
        for each in Path(f"/proc/{os.getpid()}/fd").iterdir():
            with suppress(OSError):
                target = str(each.readlink())
                if target.startswith((f"{self._home}/objects/", f"{self._home}/spool/")):
                    found.append(target)
        return found


def client(front: Front, connection: Connection) -> Client:
    """The session of a connection."""
    return Client(front.home, connection)
