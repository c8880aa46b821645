"""The Session of a procedure in Python (inside of its sandbox): the real Snowpark over the real connector, whose
requests are frames to the front instead of a network.

Snowpark and the connector know that they are in a procedure, as on Snowflake: `Session.close()` does nothing, files go
by the cursor's own methods, and asynchronous statements are refused.
"""

from __future__ import annotations

import gzip
import importlib
import io
import socket
import tempfile
import threading
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import urlsplit

import snowflake.connector
from snowflake.connector import session_manager
from snowflake.connector.cursor import SnowflakeCursor
from snowflake.snowpark import Session

from cleanroom_ml.engine.warehouse import procedure_frames as frames

_requests: Any = importlib.import_module("snowflake.connector.vendored.requests")  # it has no types
_snowpark: Any = importlib.import_module("snowflake.snowpark._internal.utils")
HOST: Final = "procedure"
_IN_PROCEDURE: Final = "XP"
"""What Snowpark takes for the platform of a procedure (snowpark: `_internal/utils.is_in_stored_procedure`)."""


def opened(line: socket.socket) -> Session:
    """The procedure's Session; `get_active_session()` and `Session.builder.getOrCreate()` give the same."""
    _Frames.line = line
    factory: Any = session_manager.ProxySupportAdapterFactory
    factory.__call__ = lambda *_, **__: _Frames()
    for name, method in _CURSOR.items():
        setattr(SnowflakeCursor, name, method)
    connection = snowflake.connector.connect(
        account=HOST,
        user=HOST,
        password=HOST,
        protocol="http",
        host=HOST,
        port=80,
        paramstyle="qmark",
        platform_detection_timeout_seconds=0,
        login_timeout=60,
    )
    connection.telemetry_enabled = False
    _snowpark.PLATFORM = _IN_PROCEDURE
    session: Session = Session.builder.configs({"connection": connection}).create()
    return session


class _Frames:
    """What the connector takes for HTTP: one request at a time, whatever threads the code has."""

    line: socket.socket
    _turn = threading.Lock()

    def send(self, request: Any, *_: object, **__: object) -> Any:  # the connector's own requests
        """The front's answer. Raises requests.ConnectionError: another host is meant, or the front is gone."""
        url = urlsplit(request.url or "")
        if url.hostname != HOST:
            raise _requests.ConnectionError(f"a procedure has no network: {url.hostname} cannot be reached")
        target = url.path + (f"?{url.query}" if url.query else "")
        encoding = request.headers.get("Content-Encoding", "")
        try:
            with self._turn:
                frames.send_request(self.line, request.method or "GET", target, encoding, _body(request.body))
                status, body = frames.receive_answer(self.line)
        except (OSError, frames.BadFrame) as error:
            raise _requests.ConnectionError(str(error)) from error
        response = _requests.Response()
        response.status_code, response.url, response.request = status, request.url or "", request
        response.headers = _requests.structures.CaseInsensitiveDict({"Content-Length": str(len(body))})
        response.raw = io.BytesIO(body)
        response._content, response.encoding = body, "utf-8"
        return response

    def close(self) -> None:
        """The line stays: it is the procedure's."""


def _body(body: Any) -> bytes:  # Any: whatever requests takes
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    return bytes(body) if isinstance(body, bytes | bytearray) else bytes(body.read())


def _options(options: dict[str, Any]) -> str:
    return " ".join(
        f"{name.upper()}={str(value).upper() if isinstance(value, bool) else value}"
        for name, value in options.items()
        if value is not None
    )


def _quoted(text: str) -> str:
    return text if text.startswith("'") else "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _file(path: str) -> str:
    plain = path.strip("'")
    return _quoted(plain if plain.startswith("file://") else f"file://{plain}")


def _put(
    cursor: SnowflakeCursor, local_file_name: str, stage_location: str, options: dict[str, Any], **_: object
) -> None:
    """`session.file.put` (snowpark: `file_operation.py`), and `write_pandas` (connector: `pandas_tools.py`)."""
    cursor.execute(f"PUT {_file(local_file_name)} {_quoted(stage_location)} {_options(options)}")


def _get(
    cursor: SnowflakeCursor, stage_location: str, target_directory: str, options: dict[str, Any], **_: object
) -> None:
    """`session.file.get`."""
    directory = target_directory.strip("'").removeprefix("file://")
    Path(directory).mkdir(parents=True, exist_ok=True)
    pattern = options.get("pattern")
    rest = _options({key: value for key, value in options.items() if key != "pattern"})
    said = f" PATTERN={_quoted(str(pattern))}" if pattern else ""
    cursor.execute(f"GET {_quoted(stage_location)} {_file(directory)} {rest}{said}")


def _put_stream(
    cursor: SnowflakeCursor, input_stream: BinaryIO, stage_location: str, options: dict[str, Any], **__: object
) -> None:
    """`session.file.put_stream`: the last part of the location is the file's name."""
    stage, _, name = stage_location.strip("'").rpartition("/")
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, name)
        path.write_bytes(input_stream.read())
        cursor.execute(f"PUT {_file(str(path))} {_quoted(stage)} {_options(options)}")


def _put_own(cursor: SnowflakeCursor, input_stream: BinaryIO, stage_location: str) -> None:
    """What Snowpark uploads for itself: pickled functions, and what they import: as it is, under its name."""
    _put_stream(cursor, input_stream, stage_location, {"auto_compress": False, "overwrite": True})


def _get_stream(cursor: SnowflakeCursor, stage_location: str, decompress: bool = False) -> BinaryIO:
    """`session.file.get_stream`."""
    with tempfile.TemporaryDirectory() as directory:
        cursor.execute(f"GET {_quoted(stage_location)} {_file(directory)}")
        found = list(Path(directory).iterdir())
        if len(found) != 1:
            raise snowflake.connector.ProgrammingError(f"the file does not exist: {stage_location}", errno=253006)
        data = found[0].read_bytes()
    return io.BytesIO(gzip.decompress(data) if decompress else data)


_CURSOR: Final = {
    "_upload": _put,
    "_download": _get,
    "_upload_stream": _put_stream,
    "_download_stream": _get_stream,
    "upload_stream": _put_own,
}
"""What Snowpark calls of a cursor in a procedure, and the public connector only declares."""
