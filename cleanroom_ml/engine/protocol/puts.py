"""A PUT that a client repeats for each of its files (connector: `gcs_storage_client._update_presigned_url`).

The connector sends a PUT as it was written, and then again for each file, without the bound values: wherever the
statement's text holds the local path, the file's name is put in its place, as text. With a blank, a quote or a
semicolon in the name, or a path that was quoted for SQL, what comes is no SQL at all. So it is not read as SQL: it is
compared with the PUTs that this session sent before, and the name is what differs.
"""

from __future__ import annotations

import fnmatch
import posixpath
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.tokens import STRING, URL, tokenize

from .bindings import Bindings
from .stages import transfer_verb

_FILE: Final = "file://"
_DELIMITERS: Final = " \n;"
_MAX_REMEMBERED: Final = 32
_MAX_TEXT: Final = 16 << 10
_MAX_SESSIONS: Final = 1024
_MAX_NAME: Final = 1024


@dataclass(frozen=True, slots=True)
class _Remembered:
    """A PUT as it came. `path` is what the connector replaces in it, `pattern` which files it means.

    `start`, `end`: where the literal with the path is.
    """

    sql: str
    bindings: Bindings | None
    path: str
    pattern: str
    start: int
    end: int

    def name_in(self, sql: str) -> str | None:
        """The name of the file for which `sql` repeats this statement; None where it does not."""
        times = self.sql.count(self.path)
        length, rest = divmod(len(sql) - len(self.sql) + times * len(self.path), times)
        if rest or not 0 < length <= _MAX_NAME:
            return None
        at = self.sql.find(self.path)
        name = sql[at : at + length]
        if "/" in name or self.sql.replace(self.path, name) != sql:
            return None
        return name

    def covers(self, name: str) -> bool:
        """Whether a file that the path names could be stored as `name`: the same, or compressed on the way."""
        names = (name, name.removesuffix(".gz"))
        return self.pattern in names or any(fnmatch.fnmatchcase(candidate, self.pattern) for candidate in names)

    def for_file(self, name: str) -> str:
        """This statement, for the one file."""
        quoted = name.replace("\\", "\\\\").replace("'", "''")
        return f"{self.sql[: self.start]}'{_FILE}{quoted}'{self.sql[self.end :]}"


@dataclass(slots=True)
class PutMemory:
    """The last PUTs of each session. Bounded: the oldest are forgotten, and a repetition is then read as it stands."""

    _sessions: OrderedDict[str, list[_Remembered]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(
        self, session_id: str, sql: str, bindings: Bindings | None, *, remember: bool = True
    ) -> tuple[str, Bindings | None]:
        """The statement that the client means, and its bound values; `remember`: it may repeat it for each file.

        What it sent, unless that repeats an earlier PUT for one file: then that PUT, with its values, for that file.
        """
        if transfer_verb(sql) != "PUT":
            return sql, bindings
        with self._lock:
            entries = self._sessions.get(session_id, [])
            if bindings is None and len(sql) <= _MAX_TEXT + _MAX_NAME:
                for entry in reversed(entries):
                    name = entry.name_in(sql)
                    if name is not None and entry.covers(name):
                        return entry.for_file(name), entry.bindings
            new = _remembered(sql, bindings) if remember else None
            if new is not None:
                self._remember(session_id, new)
        return sql, bindings

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


def connector_path(sql: str) -> str | None:
    """What the connector takes for the local path of a PUT, and replaces by a file's name; None: it repeats nothing."""
    at = sql.find(_FILE)
    if at < 0:
        return None
    start = at + len(_FILE)
    if at > 0 and sql[at - 1] == "'":
        return sql[start : max(sql.find("'", start), start)] or None
    ends = [end for end in (sql.find(delimiter, start) for delimiter in _DELIMITERS) if end >= 0]
    return sql[start : min(ends, default=len(sql))] or None


def _remembered(sql: str, bindings: Bindings | None) -> _Remembered | None:
    """What is kept of a PUT; None where there is nothing that a client could repeat."""
    path = connector_path(sql) if len(sql) <= _MAX_TEXT else None
    if path is None:
        return None
    try:
        tokens = tokenize(sql)
    except SqlError:
        return None  # the client gets that error for its statement, and repeats nothing
    local = next((token for token in tokens[1:2] if token.kind in {STRING, URL}), None)
    if local is None:
        return None
    value = local.value() if local.kind == STRING else local.text
    return _Remembered(sql, bindings, path, posixpath.basename(value)[:_MAX_NAME], local.start, local.end)
