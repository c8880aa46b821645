"""The only place that prints results, and the only one that imports rich (when there is a table or a bar to draw)."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from cleanroom_ml.cli.cells import cell
from cleanroom_ml.cli.output import Output
from cleanroom_ml.cli.plain import escaped_json, plain
from cleanroom_ml.cli.streams import tell
from cleanroom_ml.errors import CleanroomError

if TYPE_CHECKING:
    from rich.console import Group

    from cleanroom_ml.cli.live import Line
    from cleanroom_ml.services.staging import Observer


def render(output: Output, format_: str) -> None:
    """Data to standard output in the wanted format, hints to standard error."""
    match format_:
        case "json":
            print_json(jsonable(output.data))
        case "jsonl":
            for row in _rows(output.data):
                print_json(row, indent=None)
        case "csv":
            _csv(_rows(output.data), output.columns)
        case _ if output.text is not None:
            _write(plain(output.text).rstrip("\n") + "\n" if output.text else "")
        case _:
            _table(_rows(output.data), output.columns, _text if output.verbatim else _cell)
    for hint in output.hints:
        note(f"next: {hint}")


def render_error(error: CleanroomError, format_: str) -> None:
    """Three lines to standard error: what, why, what helps; with JSON also an object to standard output."""
    if format_ in ("json", "jsonl"):
        print_json({"error": error_data(error)}, indent=2 if format_ == "json" else None)
    _reported("error", error.what)
    if error.why:
        _reported("why", error.why)
    if error.fix:
        _reported("fix", error.fix)
    named = (("error", error.code), ("in", error.procedure), ("query", error.query_id))
    if server := [f"{name} {value}" for name, value in named if value]:
        _reported("server", ", ".join(server))


def _reported(what: str, text: str) -> None:
    """One part of an error; its further lines are indented, so that a message cannot pass for another part."""
    note(f"{what}: " + plain(text).replace("\n", "\n  "))


def error_data(error: CleanroomError) -> dict[str, object]:
    """An error as data; the keys are stable."""
    known = ("differences", "problems", "code", "sqlstate", "query_id", "procedure")
    extra = {key: jsonable(getattr(error, key)) for key in known if getattr(error, key, None)}
    head = {"type": type(error).__name__, "exit_code": error.exit_code, "what": error.what}
    return {**head, "why": error.why, "fix": error.fix, **extra}


def note(line: str) -> None:
    """A line for people, to standard error."""
    tell(plain(line) + "\n")


def engine_starts() -> None:
    """Said before the embedded engine is started, which takes seconds, the first time most of them."""
    note("starting the engine: a few seconds")


def stream(text: str, *, to_stderr: bool = False) -> None:
    """A piece of somebody's log, made harmless, without a line end of our own."""
    if not to_stderr:
        _write(plain(text))
        return
    tell(plain(text))


def print_json(data: object, *, indent: int | None = 2) -> None:
    """One JSON document to standard output, in any encoding that it has."""
    text = escaped_json(json.dumps(data, indent=indent, ensure_ascii=False, allow_nan=False))
    if not _encodable(text):
        text = json.dumps(data, indent=indent, ensure_ascii=True, allow_nan=False)
    _write(text + "\n")


def json_line(data: object) -> str:
    """One JSON document on one line, with nothing in it that a terminal acts on, in any encoding."""
    return escaped_json(json.dumps(jsonable(data), ensure_ascii=True, allow_nan=False))


def interactive() -> bool:
    """Whether somebody watches standard error: no bars and spinners otherwise, nor with NO_COLOR or CI."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR") and not os.environ.get("CI")


def jsonable(value: object) -> object:
    """Dataclasses as objects, times as RFC 3339 in UTC, bytes in hexadecimal, paths as text.

    JSON has no NaN and no infinity: they are the texts "NaN", "inf" and "-inf", as Snowflake casts them
    (sql-reference/data-types-numeric); null is what is not there.
    """
    match value:
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else str(value)
        case None | bool() | int() | float() | str():
            return value
        case bytes() | bytearray():
            return value.hex().upper()
        case datetime():
            moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
            return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case Path():
            return str(value)
        case Mapping():
            return {str(key): jsonable(item) for key, item in value.items()}
        case set() | frozenset():
            items: list[Any] = [jsonable(item) for item in value]  # Any: of one kind, which can be compared
            return sorted(items)
        case Sequence():
            return [jsonable(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: jsonable(getattr(value, field.name)) for field in fields(value)}
    return str(value)


def _rows(data: object) -> list[dict[str, object]]:
    value = jsonable(data)
    if value is None:
        return []
    items = value if isinstance(value, list) else [value]
    return [item if isinstance(item, dict) else {"value": item} for item in items]


def _csv(rows: list[dict[str, object]], known: tuple[str, ...]) -> None:
    columns = known or _columns(rows)
    if not columns:
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(plain(key) for key in columns)
    writer.writerows([_text(row.get(key)) for key in columns] for row in rows)
    _write(text.getvalue())
    from cleanroom_ml.services.formulas import is_formula

    warn_of_formulas(sum(is_formula(row.get(key)) for row in rows for key in columns))


def warn_of_formulas(cells: int) -> None:
    """Say that a spreadsheet would run cells of a CSV file that was written.

    The values stay as they are: the file is data, which other programs read back, and an apostrophe in front would be
    part of it for them (a phone number, a base64 text). So do psql, DuckDB and Snowflake's own clients; programs that
    make files for spreadsheets alone do otherwise.
    """
    if cells:
        many = "1 cell begins" if cells == 1 else f"{cells:,} cells begin"
        note(f"warning: {many} with = + - or @: a spreadsheet runs that as a formula; import the column as text")


def _columns(rows: list[dict[str, object]]) -> tuple[str, ...]:
    """The keys of all rows, in the order in which they first come."""
    return tuple(dict.fromkeys(key for row in rows for key in row))


def _table(rows: list[dict[str, object]], known: tuple[str, ...], text: Callable[[object], str]) -> None:
    if not rows:
        note("no rows" if known else "nothing to show")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    displayed = {key: [text(row.get(key)) for row in rows] for key in known or _columns(rows)}
    console = Console(markup=False, highlight=False, emoji=False, soft_wrap=False)
    if not console.is_terminal:
        console.width = max(200, console.width, _needed(displayed, 40))
    if len(displayed) > 1 and _needed(displayed, _READABLE) > console.width:
        _write(_blocks(displayed))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for key in displayed:
        table.add_column(Text(plain(key)), overflow="fold")
    for cells in zip(*displayed.values(), strict=True):
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)


_READABLE: Final = 12
"""A column that is narrower than this, and than its values, is a heap of letters."""


def _needed(displayed: Mapping[str, Sequence[str]], most: int) -> int:
    """The width of a table whose columns are as wide as their values, and `most` at most; two blanks between two."""
    widest = (max(len(plain(key)), *map(len, values)) for key, values in displayed.items())
    return sum(min(each, most) + 2 for each in widest) - 2


def _blocks(displayed: Mapping[str, Sequence[str]]) -> str:
    """One `key: value` line for every value of a row, an empty line between two rows; without what a row has not."""
    blocks = []
    for row in zip(*displayed.values(), strict=True):
        there = ((key, cell) for key, cell in zip(displayed, row, strict=True) if cell)
        blocks.append("".join(f"{plain(key)}: {_indented(cell)}\n" for key, cell in there))
    return "\n".join(blocks)


def _indented(text: str) -> str:
    """Further lines of a value, so that none can pass for another key's."""
    return text.replace("\n", "\n  ")


def _cell(item: object) -> str:
    return plain(cell(item))


def _text(item: object) -> str:
    if item is None:
        return ""
    return plain(item if isinstance(item, str) else json.dumps(item, ensure_ascii=False))


def _encodable(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _write(text: str) -> None:
    if not _encodable(text):
        encoding = sys.stdout.encoding or "utf-8"
        text = text.encode(encoding, "backslashreplace").decode(encoding)
    sys.stdout.write(text)
    sys.stdout.flush()


def upload_observer() -> Observer | None:
    """A progress bar on standard error, or nothing where nobody watches."""
    if not interactive():
        return None
    return _UploadBar()


class _UploadBar:
    """Bytes hashed and sent, as a bar that goes away when it is done."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

        columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("uploading", total=None)

    def start(self, total_files: int, total_bytes: int) -> None:
        self._progress.update(self._task, total=total_bytes, description=f"uploading {total_files} files")
        self._progress.start()

    def advance(self, path: str, bytes: int) -> None:
        self._progress.advance(self._task, bytes)

    def finish(self) -> None:
        self._progress.stop()


class LiveLines:
    """Lines on standard error that are drawn over one another, and go when it ends; for people at a terminal only."""

    _STYLES: ClassVar = {"good": "green", "bad": "bold red", "best": "bold yellow"}

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(stderr=True, markup=False, highlight=False, emoji=False)
        self._live = Live(console=self._console, transient=True, auto_refresh=False, vertical_overflow="crop")

    @property
    def height(self) -> int:
        """How many lines the terminal has."""
        return self._console.height

    def show(self, lines: Sequence[Line]) -> None:
        """Draw these instead of the ones before, each cut to the terminal's width."""
        self._live.update(self._drawn(lines), refresh=True)

    def __enter__(self) -> LiveLines:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.update(self._drawn(()))
        self._live.stop()

    def _drawn(self, lines: Sequence[Line]) -> Group:
        from rich.console import Group
        from rich.text import Text

        texts = []
        for line in lines:
            text = Text(no_wrap=True, overflow="ellipsis")
            for piece in line:
                text.append(plain(piece.text).replace("\n", " "), self._STYLES.get(piece.look, piece.look))
            texts.append(text)
        return Group(*texts)


def draws() -> bool:
    """Whether standard error can show a picture that changes: somebody watches, and it knows the characters."""
    return interactive() and (sys.stderr.encoding or "").lower().replace("-", "") == "utf8"
