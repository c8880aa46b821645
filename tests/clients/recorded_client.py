"""A client of its own process, in which every attempt to reach anything but the engine is refused and written down.

Run by test_clients_network.py: settings as JSON on stdin, what happened as JSON on stdout.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

SETTINGS = json.loads(sys.stdin.read())
TRIED: list[str] = []
HAPPENED: dict[str, Any] = {}


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.getaddrinfo":
        host, port = str(arguments[0]), arguments[1]
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        host, port = str(arguments[1][0]), arguments[1][1]
    elif event == "socket.connect" or event == "socket.sendto":
        host, port = str(arguments[1]), 0
    else:
        return
    if host != SETTINGS["host"] or port not in (SETTINGS["port"], str(SETTINGS["port"])):
        TRIED.append(f"{host}:{port}")
        raise ConnectionRefusedError(f"{host} is not the engine")


sys.addaudithook(watch)

import snowflake.connector  # noqa: E402 - the hook is there before anything that could open a connection
from snowflake.connector import gcs_storage_client, storage_client  # noqa: E402
from snowflake.connector.vendored.requests.adapters import HTTPAdapter  # noqa: E402
from snowflake.connector.vendored.requests.models import Response  # noqa: E402
from snowflake.snowpark import Session  # noqa: E402

storage_client.SnowflakeStorageClient.SLEEP_UNIT = 0.001
FAILING: dict[str, list[int]] = {}
"""Parts of a URL → the statuses with which the next requests for it fail before they are sent."""
send = HTTPAdapter.send


def failing(adapter: Any, request: Any, **options: Any) -> Any:
    for part, statuses in FAILING.items():
        body = request.body or b""
        if statuses and part in request.url and (part != "query-request" or b"PUT" in unzipped(body)):
            answer = Response()
            answer.status_code = statuses.pop(0)
            answer.url, answer.raw, answer.request = request.url, io.BytesIO(), request
            answer._content = b"{}"
            return answer
    return send(adapter, request, **options)


def unzipped(body: Any) -> bytes:
    import gzip

    return gzip.decompress(body) if isinstance(body, bytes) and body[:2] == b"\x1f\x8b" else b""


HTTPAdapter.send = failing


def attempt(name: str, work: Any) -> None:
    """What came of it: `ok`, or the error's text."""
    try:
        found = work()
        HAPPENED[name] = "ok" if found is None else found
    except Exception as error:  # noqa: BLE001 - whatever the client says is what is looked at
        HAPPENED[name] = f"{type(error).__name__}: {error}"


def main() -> None:
    folder = Path(SETTINGS["folder"])
    connection = snowflake.connector.connect(**SETTINGS["connection"], paramstyle="qmark", login_timeout=20)
    cursor = connection.cursor()
    cursor.execute("CREATE DATABASE IF NOT EXISTS recorded_db")
    cursor.execute("USE SCHEMA recorded_db.public")
    for statement in ("create or replace stage up", "create or replace stage bad", "create or replace stage park"):
        cursor.execute(statement)
    transfers(connection, cursor, folder)
    attempt("a name that no stage keeps", lambda: cursor.execute(f"PUT 'file://{folder}/bad/*' @bad"))
    attempt("left behind", lambda: cursor.execute("list @bad").fetchall())
    HAPPENED["tried"] = TRIED[:]
    without_the_controls(connection)
    attempt("without the controls", lambda: cursor.execute(f"PUT 'file://{folder}/bad/*' @bad"))
    HAPPENED["tried without"] = TRIED
    connection.close()
    print(json.dumps(HAPPENED))


def without_the_controls(connection: Any) -> None:
    """From now on the client sees neither the end point nor the URL of a refusal."""
    ask = type(connection).cmd_query

    def uncontrolled(self: Any, *arguments: Any, **options: Any) -> Any:
        answer = ask(self, *arguments, **options)
        info = (answer.get("data") or {}).get("stageInfo")
        if info:
            info.pop("endPoint", None)
            if not answer["success"]:
                info.pop("presignedUrl")
        return answer

    type(connection).cmd_query = uncontrolled


def transfers(connection: Any, cursor: Any, folder: Path) -> None:
    up = "PUT 'file://{}/good/*' @up/{} AUTO_COMPRESS={}"
    cursor.execute(up.format(folder, "quoted", "FALSE"))
    cursor.execute(up.format(folder, "zipped", "TRUE"))
    cursor.execute(f"PUT file://{folder}/good/* @up/bare AUTO_COMPRESS=FALSE")
    cursor.execute("PUT ? @up/bound", (f"file://{folder}/good/plain.txt",))
    cursor.execute("PUT ? ? AUTO_COMPRESS=FALSE", (f"file://{folder}/good/o'clock; x.txt", "@up/bound"))
    attempt("bound pattern", lambda: cursor.execute("PUT ? @up", (f"file://{folder}/good/*",)))
    session = Session.builder.configs({"connection": connection}).create()
    for path in (folder / "good" / name for name in SETTINGS["parked"]):
        if not set(path.name) & set("*?["):
            session.file.put(str(path), "@park/put", auto_compress=False)
        session.file.put_stream(io.BytesIO(path.read_bytes()), f"@park/stream/{path.name}", auto_compress=False)
    HAPPENED["listed"] = sorted(row[0] for row in cursor.execute("list @up").fetchall())
    HAPPENED["parked"] = sorted(row[0] for row in cursor.execute("list @park").fetchall())
    down = folder / "down"
    down.mkdir()
    cursor.execute(f"GET @up/quoted 'file://{down}'")
    HAPPENED["down"] = {path.name: path.read_text() for path in down.iterdir()}
    HAPPENED["streamed"] = session.file.get_stream("@park/stream/plain.txt").read().decode()
    one = f"PUT 'file://{folder}/good/plain.txt' @up/failing OVERWRITE=TRUE AUTO_COMPRESS=FALSE"
    for status in (400, 403, 404, 409, 500, 503):
        for name, part, statement in (
            ("put", "/stage/upload/", one),
            ("get", "/stage/download/", f"GET @up/quoted/plain.txt 'file://{down}'"),
        ):
            FAILING[part] = [status]
            attempt(f"{name} once {status}", lambda statement=statement: cursor.execute(statement) and None)
        if status in (400, 500):
            FAILING["/stage/"] = [status] * 10
            attempt(f"put ever {status}", lambda: cursor.execute(one) and None)
            FAILING["/stage/"] = []
    for status in (404, 409):
        # The first PUT gets through, the one that is repeated for the file does not.
        update = gcs_storage_client.SnowflakeGCSRestClient._update_presigned_url

        def refused(client: Any, status: int = status, update: Any = update) -> None:
            FAILING["query-request"] = [status]
            update(client)

        gcs_storage_client.SnowflakeGCSRestClient._update_presigned_url = refused
        attempt(f"repeated put {status}", lambda: cursor.execute(one) and None)
        gcs_storage_client.SnowflakeGCSRestClient._update_presigned_url = update
        FAILING["query-request"] = []


main()
