"""A front for tests of relay and runtime: a process that speaks just enough of the wire protocol, on one job's socket.

    python jobs_fake_front.py SOCKET TOKEN_SHA256 APPLIED_FILE

It answers a login with the token of that hash, and a handful of statements: `SELECT …` (one row), `BIG n` (n rows in
chunks that are fetched one by one), `APPLY x` (remembers the request id in APPLIED_FILE; applied once), `APPLY AND DIE`
(the same, then the process kills itself before it answers), `SLOW n`.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import signal
import socketserver
import sys
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

SOCKET, TOKEN_SHA256, APPLIED = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
CHUNK_ROWS = 500


def column(name: str) -> dict[str, object]:
    return {
        "name": name,
        "type": "text",
        "length": 100,
        "byteLength": 400,
        "nullable": True,
        "precision": None,
        "scale": None,
    }


def answer_rows(rows: list[list[str]], chunks: list[dict[str, object]], total: int) -> dict[str, object]:
    return {
        "parameters": [],
        "rowtype": [column("V")],
        "rowset": rows,
        "chunks": chunks,
        "total": total,
        "returned": total,
        "queryId": "01b",
        "queryResultFormat": "json",
        "statementTypeId": 4096,
        "finalDatabaseName": "APP",
        "finalSchemaName": "CLEANROOM",
        "finalWarehouseName": "WH",
        "finalRoleName": "R",
    }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        start = int(self.path.rsplit("/", 1)[1])
        time.sleep(0.05)
        body = ",".join(json.dumps([str(row)]) for row in range(start, start + CHUNK_ROWS)).encode()
        self.reply(gzip.compress(body), {"Content-Encoding": "gzip"})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Content-Encoding") == "gzip":
            raw = gzip.decompress(raw)
        body = json.loads(raw or b"{}")
        url = urlsplit(self.path)
        if url.path == "/session/v1/login-request":
            self.reply_json(self.login(body["data"]))
        elif url.path == "/queries/v1/query-request":
            self.reply_json(
                {
                    "success": True,
                    "code": None,
                    "message": None,
                    "data": self.query(body["sqlText"], parse_qs(url.query)),
                }
            )
        else:
            self.reply_json({"success": True, "data": {}})

    def login(self, data: dict[str, str]) -> dict[str, object]:
        if hashlib.sha256(data.get("TOKEN", "").encode()).hexdigest() != TOKEN_SHA256:
            return {"success": False, "code": "390303", "message": "Invalid OAuth access token.", "data": {}}
        info = {"databaseName": "APP", "schemaName": "CLEANROOM", "warehouseName": "WH", "roleName": "R"}
        tokens = {"token": "s", "masterToken": "m", "validityInSeconds": 3600, "masterValidityInSeconds": 14400}
        parameters = [{"name": "AUTOCOMMIT", "value": True}, {"name": "CLIENT_TELEMETRY_ENABLED", "value": True}]
        more = {"serverVersion": "9.0.0", "sessionId": 1, "parameters": parameters, "sessionInfo": info}
        return {"success": True, "code": None, "message": None, "data": {**tokens, **more}}

    def query(self, text: str, query: dict[str, list[str]]) -> dict[str, object]:
        if text.startswith("APPLY"):
            request = query["requestId"][0]
            applied = APPLIED.read_text().split() if APPLIED.exists() else []
            if request not in applied:
                APPLIED.write_text("\n".join([*applied, request]))
                if text == "APPLY AND DIE":
                    os.kill(os.getpid(), signal.SIGKILL)
        if text.startswith("SLOW"):
            time.sleep(float(text.split()[1]))
        if text.startswith("BIG"):
            total = int(text.split()[1])
            first = [[str(row)] for row in range(CHUNK_ROWS)]
            base = f"http://{self.headers['Host']}/chunk"
            chunks = [
                {"url": f"{base}/{start}", "rowCount": CHUNK_ROWS, "uncompressedSize": 1000, "compressedSize": 1000}
                for start in range(CHUNK_ROWS, total, CHUNK_ROWS)
            ]
            return answer_rows(first, chunks, total)
        return answer_rows([[text]], [], 1)

    def reply_json(self, value: dict[str, object]) -> None:
        self.reply(json.dumps(value).encode(), {"Content-Type": "application/json"})

    def reply(self, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    SOCKET.unlink(missing_ok=True)
    Server(str(SOCKET), Handler).serve_forever()
