"""PUT and GET: GCS-shaped locations whose presigned URLs are this engine's own (connector: `gcs_storage_client.py`).

It is the one remote kind that the connector accepts over plain http. The connector sends a PUT once as it was
written, and
then again for each file, with the file's own name in it and without the bound values: `PutMemory` knows those still.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .bindings import Bindings

_TRANSFER = re.compile(r"\s*(?:/\*.*?\*/\s*|--[^\n]*\n\s*)*(put|get)\b", re.IGNORECASE | re.DOTALL)
_COMPRESSED = (".gz", ".bz2", ".br", ".zst", ".deflate", ".raw_deflate", ".parquet", ".orc")
_MAX_REMEMBERED = 32
_MAX_SESSIONS = 1024


def transfer_verb(sql: str) -> str | None:
    """`PUT` or `GET`, where the statement is one; else None."""
    match = _TRANSFER.match(sql[:2000])
    return None if match is None else match.group(1).upper()


def upload_data(
    *,
    sources: Sequence[str],
    location: str,
    url: str,
    parallel: int,
    auto_compress: bool,
    source_compression: str,
    overwrite: bool,
) -> dict[str, Any]:
    """The `data` of a PUT. `url` takes exactly one file: the one that the statement names."""
    return {
        "command": "UPLOAD",
        "src_locations": list(sources),
        "parallel": parallel,
        "autoCompress": auto_compress,
        "sourceCompression": source_compression.lower(),
        "overwrite": overwrite,
        "encryptionMaterial": None,
        "stageInfo": {
            "locationType": "GCS",
            "location": location,
            "creds": {},
            "presignedUrl": url,
            "isClientSideEncrypted": False,
        },
    }


def download_data(
    *, local: str, files: Sequence[str], urls: Sequence[str], location: str, parallel: int
) -> dict[str, Any]:
    """The `data` of a GET: one URL a file, in the same order."""
    return {
        "command": "DOWNLOAD",
        "localLocation": local,
        "src_locations": list(files),
        "presignedUrls": list(urls),
        "parallel": parallel,
        "encryptionMaterial": [],
        "stageInfo": {"locationType": "GCS", "location": location, "creds": {}, "isClientSideEncrypted": False},
    }


@dataclass(slots=True)
class _Remembered:
    tail: str
    names: str
    bindings: Bindings


@dataclass(slots=True)
class PutMemory:
    """The bound values of the last PUTs of each session.

    Bounded: the oldest are forgotten; a client then repeats its PUT.
    """

    _sessions: OrderedDict[str, list[_Remembered]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def bindings(self, session_id: str, sql: str, bindings: Bindings | None) -> Bindings | None:
        """The values that are bound to this statement.

        Its own; those of the PUT that it repeats for one file, if it is one.
        """
        split = _split_put(sql) if transfer_verb(sql) == "PUT" else None
        if split is None:
            return bindings
        path, tail = split
        with self._lock:
            if bindings is not None:
                self._remember(session_id, _Remembered(tail, posixpath.basename(path), bindings))
                return bindings
            same = [entry for entry in reversed(self._sessions.get(session_id, [])) if entry.tail == tail]
            return next((entry.bindings for entry in same if _covers(entry.names, path)), None)

    def forget(self, session_id: str) -> None:
        """Forget a session that ended."""
        with self._lock:
            self._sessions.pop(session_id, None)

    def _remember(self, session_id: str, entry: _Remembered) -> None:
        entries = self._sessions.setdefault(session_id, [])
        entries.append(entry)
        del entries[:-_MAX_REMEMBERED]
        self._sessions.move_to_end(session_id)
        while len(self._sessions) > _MAX_SESSIONS:
            self._sessions.popitem(last=False)


def _split_put(sql: str) -> tuple[str, str] | None:
    """The local path of a PUT, and the text after it; as the connector cuts them."""
    at = sql.find("file://")
    if at < 0:
        return None
    start = at + len("file://")
    if at > 0 and sql[at - 1] == "'":
        end = sql.find("'", start)
        return None if end < 0 else (sql[start:end], sql[end + 1 :].strip())
    found = re.search(r"[ \n;]", sql[start:])
    end = start + found.start() if found else len(sql)
    return sql[start:end], sql[end:].strip()


def _covers(pattern: str, name: str) -> bool:
    """Whether a file that `pattern` names could be stored as `name`: the same, or compressed on the way."""
    name = posixpath.basename(name)
    plain = next((name[: -len(suffix)] for suffix in _COMPRESSED if name.endswith(suffix)), name)
    return any(fnmatch.fnmatchcase(candidate, pattern) for candidate in (name, plain))
