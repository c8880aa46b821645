"""What a file to be loaded looks like, where its name says something else or the target cannot read it: for messages
alone, nothing is read from here into a table.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from pathlib import Path
from typing import Final

from cleanroom_ml.errors import UsageError

_PEEKED_BYTES: Final = 4096
_LOOKED_THROUGH: Final = 16 << 20
"""Bytes of a file in which a line of another width is looked for."""
_BINARY: Final = (
    (b"PK\x03\x04", "a ZIP archive, as an Excel workbook is one", "export it as CSV (UTF-8), or unpack it"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook", "export it as CSV (UTF-8)"),
    (b"PAR1", "a Parquet file", "rename it to .parquet"),
    (b"\x1f\x8b", "compressed with gzip", "rename it: its name and .gz behind it"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "rename it: its name and .zst behind it"),
)
_SEPARATORS: Final = (";", "\t", "|", ",")


def refuse_no_text(file: Path) -> None:
    """Raises UsageError where a CSV or JSON file, whose name says that it is not compressed, is no text in UTF-8."""
    try:
        with file.open("rb") as opened:
            begin = opened.read(_PEEKED_BYTES)
    except OSError as error:
        raise UsageError(f"cannot read {file}", why=error.strerror, fix="check the path") from None
    for magic, what, fix in _BINARY:
        if begin.startswith(magic):
            raise UsageError(f"{file.name} is no text file", why=f"it is {what}", fix=fix)
    if begin.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UsageError(f"{file.name} is not in UTF-8", why="it is in UTF-16", fix="iconv -f UTF-16 -t UTF-8")
    if b"\0" in begin:
        raise UsageError(
            f"{file.name} is no text file", why="it has a NUL byte", fix="export it as CSV or JSON (UTF-8)"
        )


def separator(name: str, delimiter: str) -> str | None:
    """What seems to separate the fields of a CSV file that has one column, of this name, when read with `delimiter`."""
    found = [each for each in _SEPARATORS if each != delimiter and each in name]
    return max(found, key=name.count) if found else None


def shown(delimiter: str) -> str:
    """A delimiter as it is typed."""
    return "'" + delimiter.replace("\t", "\\t") + "'"


def ragged(file: Path, delimiter: str) -> str | None:
    """The first line of a CSV file that has another number of columns than its first one, in words. None: there is
    none as far as is looked, or the file cannot be read.
    """
    name = file.name.lower()
    if name.endswith(".zst"):
        return None
    try:
        with gzip.open(file) if name.endswith(".gz") else file.open("rb") as opened:
            read = opened.read(_LOOKED_THROUGH)
        whole = read if len(read) < _LOOKED_THROUGH else read[: read.rfind(b"\n") + 1]
        text = io.StringIO(whole.decode("utf-8-sig", "replace"), newline="")
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        first = next(reader, [])
        line = reader.line_num + 1
        for row in reader:
            if row and len(row) != len(first):
                other = separator(first[0], delimiter) if len(first) == 1 else None
                looks = f"; its fields look separated by {shown(other)}" if other else ""
                return f"line {line} has {_columns(len(row))}, the first one has {_columns(len(first))}{looks}"
            line = reader.line_num + 1
    except (OSError, EOFError, zlib.error, csv.Error):
        return None
    return None


def _columns(count: int) -> str:
    return "1 column" if count == 1 else f"{count} columns"
