"""A process that is killed while it stores (`storage_victim.py HOME MODE NUMBER`); prints what is committed."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from cleanroom_ml.engine.storage.changes import Append, RequestRecord
from cleanroom_ml.engine.storage.keys import Key, TableObject
from cleanroom_ml.engine.storage.storage import Storage

KEY = Key("ACME", "DB", "PUBLIC", "T")


def main(home: str, mode: str, number: int) -> None:
    storage = Storage.open(Path(home))
    session = storage.sessions.create("ACME", "ALICE")[0]
    while True:
        number += 1
        text = f"{number}".encode()
        item = TableObject(storage.objects.put_bytes(text), rows=1, bytes=len(text))
        if mode == "before-commit":
            os.kill(os.getpid(), signal.SIGKILL)
        query = f"q{number}"
        storage.queries.start(query, session.id, f"r{number}", "hash", durable=mode != "read")
        if mode == "read":
            storage.queries.finish(query, "{}", durable=False)
            os.write(1, f"{number}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)
        with storage.database.transaction():
            storage.tables.commit([Append(KEY, objects=(item,))], request=RequestRecord(query, "{}"))
            if mode == "mid-commit":
                os.kill(os.getpid(), signal.SIGKILL)
        os.write(1, f"{number}\n".encode())
        if mode == "after-commit":
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
