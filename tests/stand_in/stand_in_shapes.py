"""The forms in which an account answers.

DOCUMENTED is `collaboration-api-reference` and `ml-jobs` to the letter; FIELD is what was published from real accounts
(`service-behaviour.md`); UNKNOWN is what nobody has said, in forms that nothing has promised.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from stand_in_values import Refused, Rows

_OLDER = {"PENDING_MY_APPROVAL": "PENDING", "PENDING_PARTNER_APPROVAL": "AWAITING_PARTNER_APPROVAL"}


@dataclass(frozen=True)
class Shape:
    """`arrays`: as arrays, or as text between commas; `errors`: named, in a traceback, or inside of **FAILURE**;
    `late`: how many looks a request stays unseen, and an application is being upgraded.
    """

    name: str
    upper: bool = False
    arrays: str = "array"
    errors: str = "named"
    late: int = 0
    older_statuses: bool = False
    run_column: str = "JOB_ID"
    result: str = "json"
    manifests: str = "list"
    pending_code: bool = True
    local_prefix: str = ""
    nested_records: bool = False
    application_table: bool = False
    replicating: bool = False
    log_bytes: int = 0
    md5: bool = True
    asynchronous: bool = False

    def rows(self, rows: Rows) -> Rows:
        """A procedure's rows with this shape's names and types."""
        columns = tuple((name.upper() if self.upper else name, self._kind(kind)) for name, kind in rows.columns)
        if self.arrays == "array":
            return Rows(columns, rows.values)
        kinds = [kind for _, kind in rows.columns]
        return Rows(columns, tuple(tuple(map(self._text, row, kinds)) for row in rows.values))

    def _kind(self, kind: str) -> str:
        return "text" if self.arrays == "text" and kind in ("array", "object", "timestamp_ltz") else kind

    def _text(self, value: object, kind: str) -> object:
        if isinstance(value, list) and kind == "array":
            return ", ".join(map(str, value))
        if isinstance(value, float) and kind == "timestamp_ltz":
            moment = datetime.fromtimestamp(value, timezone(timedelta(hours=-8)))
            return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d} -0800"
        return value

    def status(self, status: str) -> str:
        return _OLDER.get(status, status) if self.older_statuses else status

    def error(self, name: str, message: str, procedure: str) -> Refused:
        """A named error of a procedure."""
        text = f"{name}: {message}"
        if self.errors == "named":
            return Refused(100357, "P0000", text)
        frames = 'Traceback (most recent call last):\n  File "_udf_code.py", line 23, in main\n'
        if self.errors == "traceback":
            said = f"{frames}    raise e.with_traceback(None) from None\nnavlib.app.collaboration.exceptions.{text}"
        else:
            said = f"{frames}    raise e\nException: **FAILURE**: Received error, observed: 100357 (P0000): {text}"
        tail = f"\n in function {procedure} with handler main"
        return Refused(100357, "P0000", f"Python Interpreter Error:\n{said}{tail}")

    def inner(self, refused: Refused, procedure: str) -> Refused:
        """A statement that failed inside of a procedure."""
        said = f"{refused.code:06d} ({refused.sqlstate}): {refused.message}"
        text = f"Exception: **FAILURE**: Received error, observed: {said}\n in function {procedure} with handler main"
        return refused if self.errors == "named" else Refused(100357, "P0000", f"Python Interpreter Error:\n{text}")

    def manifest(self, files: dict[str, tuple[int, str]]) -> Any:
        """The content manifest of a job, path → size and hash."""
        match self.manifests:
            case "list":
                return [{"path": path, "sha256": sha, "size": size} for path, (size, sha) in files.items()]
            case "mapping":
                return {path: sha for path, (_, sha) in files.items()}
            case "unknown":
                return {"algorithm": "blake3", "root": "b3:" + "ab" * 32, "leaves": len(files)}
        return None

    def value(self, value: object) -> object:
        """What get_result answers with."""
        return {"json": json.dumps(value), "repr": repr(value), "null": None}[self.result]


DOCUMENTED = Shape("documented")
FIELD = Shape(
    "field", upper=True, arrays="text", errors="traceback", late=2, older_statuses=True, run_column="RUN",
    result="repr", manifests="mapping", pending_code=False, local_prefix="LOCAL", nested_records=True,
    application_table=True, replicating=True, log_bytes=100_000, md5=False, asynchronous=True,
)  # fmt: skip
UNKNOWN = replace(
    FIELD, name="unknown", upper=False, arrays="array", errors="failure", late=1, older_statuses=False,
    run_column="RESULT", result="null", manifests="unknown", pending_code=True, local_prefix="",
)  # fmt: skip
SHAPES = (DOCUMENTED, FIELD, UNKNOWN)
