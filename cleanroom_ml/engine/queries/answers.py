"""What became of a statement, in the form that the catalog keeps, and the answer that a client gets from it.

The answer is made anew each time, so that a result can be collected again after a restart, at whatever address the
client
used, with capabilities that are fresh. The rows of a large result stay in the spool file.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final, TypedDict
from urllib.parse import quote

from cleanroom_ml.engine.contracts.result_format import ResultFormat
from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.protocol import results, stages
from cleanroom_ml.engine.protocol.capabilities import Capabilities
from cleanroom_ml.engine.protocol.large_json import HalfCharacterError, LargeJsonError, loads
from cleanroom_ml.engine.protocol.rowtypes import rowset
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.statements.kinds.file_transfer import file_name
from cleanroom_ml.engine.statements.result_scan import kept_rows
from cleanroom_ml.engine.statements.results import Download, StatementResult, Upload, decode, statement_type
from cleanroom_ml.engine.storage.queries import QueryRecord
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.engine.warehouse.outcomes import Spooled

CAPABILITY_SECONDS: Final = 6 * 3600
JOB_CAPABILITY_SECONDS: Final = 7 * 24 * 3600
"""A job reads its tables as long as it trains. What it was given works on its own socket only, and ends with that."""
# A first batch of this many bytes is not sent inline: JSON of that size would cost the front more than it may use.
MAX_INLINE_BYTES: Final = 32 << 20
MAX_INLINE_TEXT: Final = 1 << 20
"""The same of rows as texts, which the front reads: a worker made them."""

LARGEST_DESCRIPTION: Final = 4 << 20
"""Characters. What is kept of a result whose rows lie in the spool is shorter: columns, and where the batches are."""
MAX_ROWS_CHARACTERS: Final = 32 << 20
"""Of rows that the front itself answers with: what there is to show, a log, a specification."""

_FORMAT = 1


class _Arrow(TypedDict):
    rowtype: list[dict[str, object]]
    total: int
    batches: list[tuple[int, int, int]]
    """Offset, length and rows."""
    types: list[str]
    """What RESULT_SCAN reads the columns as (`result_scan.spooled_of`)."""
    texts: list[tuple[int, int, int]] | None
    """The same rows as chunks of JSON, where the client asked for those (not there in what older engines kept)."""


class _Small(TypedDict):
    rowtype: list[dict[str, object]]
    rowset: list[list[str | None]]


class _Upload(TypedDict):
    ticket: str
    name: str
    source: str
    location: str
    parallel: int
    auto_compress: bool
    source_compression: str
    overwrite: bool


class _Download(TypedDict):
    target: str
    location: str
    parallel: int
    files: list[tuple[str, str, int]]
    """Path, SHA-256 and size."""


class _Kept(TypedDict, total=False):
    """One of the forms of a result, and what all of them have."""

    format: int
    type: int
    audience: str
    session: dict[str, Any]  # Any: the fields of a `SessionView`
    arrow: _Arrow
    json: _Small
    counts: dict[str, int]
    upload: _Upload
    download: _Download
    multi: tuple[list[str], list[int]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What `Queries.finish` keeps: JSON text, the spool file if there is one, the objects that the answer refers to."""

    response: str
    spool: Path | None = None
    objects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SpoolRange:
    """The part of a spool file that is one chunk."""

    path: Path
    offset: int
    length: int
    text: bool = False


def outcome_of(result: StatementResult, session: Session, storage: Storage, *, moving: bool = True) -> Outcome:
    """The form of a result that is kept. A PUT gets its ticket here. Raises SqlError: `moving` says that the client
    would move no file, and tell nobody.
    """
    if not moving and isinstance(result, Upload | Download):
        raise SqlError.unsupported("PUT or GET that does not begin the text: its client moves no file for it")
    kept: _Kept = {
        "format": _FORMAT,
        "type": statement_type(result),
        "audience": session.job_id or "",
        "session": _context(session),
    }
    if isinstance(result, Spooled):
        kept["arrow"] = {
            "rowtype": [column.type.wire(column.name, column.nullable) for column in result.columns],
            "total": result.rows,
            "batches": [(batch.offset, batch.length, batch.rows) for batch in result.batches],
            "types": [str(column.type) for column in result.columns],
            "texts": None
            if result.texts is None
            else [(chunk.offset, chunk.length, chunk.rows) for chunk in result.texts],
        }
        return Outcome(_text(kept), result.path)
    if isinstance(result, Rows):
        _require_bounded(result)
        kept["json"] = _small(result)
        if result.counts:
            kept["counts"] = asdict(result.counts)
        return Outcome(_text({**kept, **kept_rows(result)}))
    if isinstance(result, Upload):
        ticket = storage.stages.begin_upload(result.stage, result.directory, session.id)
        kept["upload"] = {
            "ticket": ticket.ticket,
            "name": file_name(result.source),
            "source": result.source,
            "location": f"{result.stage.name}/{result.directory}",
            "parallel": result.parallel,
            "auto_compress": result.auto_compress,
            "source_compression": result.source_compression,
            "overwrite": result.overwrite,
        }
        return Outcome(_text(kept))
    assert isinstance(result, Download)
    kept["download"] = {
        "target": result.target,
        "location": result.stage.name,
        "parallel": result.parallel,
        "files": [(file.path, file.sha256, file.size) for file in result.files],
    }
    return Outcome(_text(kept), None, tuple(file.sha256 for file in result.files))


def _require_bounded(result: Rows) -> None:
    """Raises SqlError: it is more than the front answers with. Counted before it is written down, several times."""
    characters = sum(len(value) for row in result.rows for value in row if isinstance(value, str))
    if characters > MAX_ROWS_CHARACTERS:
        raise SqlError(
            100351,
            "54000",
            f"The answer has {characters >> 20:,} MiB, and the engine's own answers have at most "
            f"{MAX_ROWS_CHARACTERS >> 20} MiB. Ask for a part of it, or remove what is not needed any more.",
        )


def multi_statement_outcome(query_ids: list[str], kinds: list[int], session: Session) -> Outcome:
    """The form of the result of several statements that is kept."""
    kept: _Kept = {
        "format": _FORMAT,
        "type": results.MULTI_STATEMENT_TYPE,
        "audience": session.job_id or "",
        "session": _context(session),
        "multi": (query_ids, kinds),
    }
    return Outcome(_text(kept))


def audience_of(record: QueryRecord) -> str | None:
    """The job whose query it was, empty for a person's.

    None where the answer does not say (it failed, or is of a commit).
    """
    kept = json.loads(record.response) if record.response else {}
    audience = kept.get("audience")
    return audience if isinstance(audience, str) else None


def kept_type(record: QueryRecord) -> int:
    """The statementTypeId of a query that succeeded."""
    kept = json.loads(record.response or "{}")
    kind: int = kept["type"] if "type" in kept else kept["rows"]["statement_type"]
    return kind


def ran_several(record: QueryRecord) -> bool:
    """Whether it was a request of several statements, and succeeded."""
    return record.state == "SUCCESS" and "multi" in json.loads(record.response or "{}")


def sent_as(record: QueryRecord, asked: ResultFormat) -> bool:
    """Whether a statement's answer is in the form that is asked for, or can be in no other: what has documents in its
    columns no statement reads again (`result_scan.spooled_of`).
    """
    kept = json.loads(record.response or "{}").get("arrow")
    if not isinstance(kept, dict) or (kept.get("texts") is not None) == (asked == "JSON"):
        return True
    return any(parse_type(text).is_json for text in kept["types"])


class Answers:
    """Makes answers from what was kept."""

    def __init__(self, spool: Path, capabilities: Capabilities) -> None:
        self._spool = spool
        self._capabilities = capabilities

    def data(self, record: QueryRecord, session: Session, base_url: str) -> dict[str, object]:
        """The `data` of the answer to a query that succeeded. `base_url`: how this client reaches us.

        Raises:
            FileNotFoundError: the spool file has been deleted.
        """
        assert record.response is not None
        kept: _Kept = json.loads(record.response)
        if kept.get("format") != _FORMAT:
            rows = decode(record.response)
            if rows is None:
                raise FileNotFoundError(record.query_id)
            kept = {"type": rows.statement_type, "json": _small(rows), "session": _context(session), "audience": ""}
            if rows.counts:
                kept["counts"] = asdict(rows.counts)
        context = results.SessionView(**kept["session"])
        data = self._shape(record, kept, base_url)
        return results.finished(data, query_id=record.query_id, statement_type=kept["type"], session=context)

    def size(self, length: int, response: str | None) -> int:
        """About how many bytes an answer has, by the length of what is kept and, where that is short, what it says."""
        kept = (json.loads(response).get("arrow") or {}) if response else {}
        if kept.get("texts") is not None:
            return length + (2 * kept["texts"][0][1] if _inline(kept["texts"], MAX_INLINE_TEXT) else 0)
        inline = _inline(kept.get("batches"), MAX_INLINE_BYTES)
        return length + (4 * kept["batches"][0][1] // 3 if inline else 0)

    def chunk(self, record: QueryRecord, index: int) -> SpoolRange | None:
        """Where chunk `index` of a result is; None where there is no such chunk."""
        kept = json.loads(record.response or "{}").get("arrow")
        if kept is None or record.spool is None:
            return None
        texts = kept.get("texts")
        parts = kept["batches"] if texts is None else texts
        if not 0 <= index < len(parts):
            return None
        offset, length, _ = parts[index]
        return SpoolRange(self._spool / record.spool, offset, length, texts is not None)

    def _shape(self, record: QueryRecord, kept: _Kept, base_url: str) -> dict[str, object]:
        if "json" in kept:
            return results.json_data(kept["json"]["rowtype"], kept["json"]["rowset"], kept.get("counts"))
        if "arrow" in kept:
            return self._arrow(record, kept["arrow"], _whose(record, kept), base_url)
        if "multi" in kept:
            return results.multi_statement_data(*kept["multi"])
        if "upload" in kept:
            return self._upload(kept["upload"], _whose(record, kept), base_url)
        return self._download(kept["download"], _whose(record, kept), base_url)

    def _arrow(self, record: QueryRecord, kept: _Arrow, whose: dict[str, str], base_url: str) -> dict[str, object]:
        texts = kept.get("texts")
        parts, most = (kept["batches"], MAX_INLINE_BYTES) if texts is None else (texts, MAX_INLINE_TEXT)
        inline = _inline(parts, most)
        first = b""
        if inline:
            with (self._spool / (record.spool or "")).open("rb") as file:
                file.seek(parts[0][0])
                first = file.read(parts[0][1])
        chunks = [
            results.Chunk(f"{base_url}/chunks/{record.query_id}/{index}", rows, length)
            for index, (_, length, rows) in enumerate(parts)
            if index >= inline
        ]
        capability = self._issue("chunk", {"query": record.query_id, **whose}) if chunks else ""
        if texts is None:
            return results.arrow_data(kept["rowtype"], kept["total"], first, chunks, capability)
        rows = text_rows(first, len(kept["rowtype"]), texts[0][2] if inline else 0)
        return results.text_data(kept["rowtype"], kept["total"], rows, chunks, capability)

    def _upload(self, kept: _Upload, whose: dict[str, str], base_url: str) -> dict[str, object]:
        # Told to compress what is plain, with these two the client goes by the bytes whether a file is.
        gzip = bool(kept["auto_compress"]) and kept["source_compression"] in {"AUTO_DETECT", "NONE"}
        claims = {"ticket": kept["ticket"], "name": kept["name"], "gzip": gzip, **whose}
        capability = self._issue("upload", claims)
        return stages.upload_data(
            sources=[kept["source"]],
            location=kept["location"],
            url=f"{base_url}/stage/upload/{capability}/{quote(kept['name'], safe='')}",
            end_point=_address(base_url),
            parallel=kept["parallel"],
            auto_compress=kept["auto_compress"],
            source_compression=kept["source_compression"],
            overwrite=kept["overwrite"],
        )

    def _download(self, kept: _Download, whose: dict[str, str], base_url: str) -> dict[str, object]:
        urls = []
        for path, sha256, size in kept["files"]:
            capability = self._issue("download", {"object": sha256, "size": size, **whose})
            urls.append(f"{base_url}/stage/download/{capability}/{quote(PurePosixPath(path).name, safe='')}")
        return stages.download_data(
            local=kept["target"],
            files=[path for path, _, _ in kept["files"]],
            urls=urls,
            location=kept["location"],
            end_point=_address(base_url),
            parallel=kept["parallel"],
        )

    def _issue(self, purpose: str, claims: dict[str, object]) -> str:
        seconds = JOB_CAPABILITY_SECONDS if claims["audience"] else CAPABILITY_SECONDS
        return self._capabilities.issue(purpose, claims, expires=time.time() + seconds)


def text_rows(text: bytes, columns: int, count: int) -> list[list[str | None]]:
    """The rows of a chunk of texts, which a worker made: it is read as what anybody sent.

    Raises:
        FileNotFoundError: it is none of so many rows of so many texts.
    """
    try:
        found = loads(f"[{text.decode()}]", depth=2)
    except (LargeJsonError, HalfCharacterError, UnicodeDecodeError) as error:
        raise FileNotFoundError("rows of a result") from error
    rows: list[list[str | None]] = []
    for row in found if isinstance(found, list) else ():
        if not isinstance(row, list) or len(row) != columns:
            raise FileNotFoundError("rows of a result")
        if not all(value is None or isinstance(value, str) for value in row):
            raise FileNotFoundError("rows of a result")
        rows.append(row)
    if len(rows) != count:
        raise FileNotFoundError("rows of a result")
    return rows


def _inline(parts: Sequence[Sequence[int]] | None, most: int) -> int:
    """How many of a result's parts go with the answer itself: the first, or none."""
    return 1 if parts and parts[0][1] <= most else 0


def _whose(record: QueryRecord, kept: _Kept) -> dict[str, str]:
    """At which socket a capability is good, and whose load its use is."""
    return {"audience": kept["audience"], "owner": record.account}


def _address(base_url: str) -> str:
    return base_url.partition("://")[2]


def _small(rows: Rows) -> _Small:
    # A client reads as many digits of a second as are declared, and the texts of small results have all nine.
    rowtype = [
        kind.with_all_seconds.wire(name, at not in rows.never_null) for at, (name, kind) in enumerate(rows.columns)
    ]
    return {"rowtype": rowtype, "rowset": rowset([str(entry["type"]) for entry in rowtype], rows.rows)}


def _context(session: Session) -> dict[str, object]:
    return {
        "database": session.database,
        "schema": session.schema,
        "warehouse": session.warehouse,
        "role": session.role,
        "parameters": dict(session.parameters),
    }


def _text(kept: Mapping[str, object]) -> str:
    return json.dumps(kept, separators=(",", ":"), ensure_ascii=False)
