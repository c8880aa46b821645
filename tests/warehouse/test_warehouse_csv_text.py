"""CSV files as DuckDB reads them: sql-reference/sql/copy-into-table and -/create-file-format, ESCAPE,
ESCAPE_UNENCLOSED_FIELD, FIELD_OPTIONALLY_ENCLOSED_BY and TRIM_SPACE (with its examples of spaces around quotes).
"""

from __future__ import annotations

import gzip
import os
from dataclasses import replace

import pyarrow as pa
import pytest

from cleanroom_ml.engine.sql.catalog import FileOptions
from cleanroom_ml.engine.sql.files.csv_form import CsvForm, form_of
from cleanroom_ml.engine.warehouse import csv_text

PLAIN = CsvForm(",", "", "", "\\", False, ("\\N",), "none", "utf-8")
QUOTED = replace(PLAIN, enclosed_by='"')
TRIMMED = replace(QUOTED, delimiter="|", trims=True)


def made(data: bytes, form: CsvForm) -> bytes | None:
    """The file that is read in place of one; None: itself."""
    fd = os.memfd_create("given")
    os.write(fd, data)
    new = csv_text.rewritten(fd, form)
    os.close(fd)
    if new is None:
        return None
    with os.fdopen(new, "rb") as file:
        return file.read()


@pytest.mark.parametrize(
    ("data", "form", "expected"),
    [
        (b'1,a\n2,"b"\n', PLAIN, None),
        (b"1,a\\,b\n2,C:\\\\t\r\n3,\\N\n", PLAIN, b"1,\x1da,b\x1d\n2,C:\\t\r\n3,\\N\n"),
        (b"4,a\\\nb\n5,", PLAIN, b"4,\x1da\nb\x1d\n5,"),
        (b"a\\|b||c\n", replace(PLAIN, delimiter="||"), b"a|b||c\n"),
        (b"\xe9,a\\,\n", replace(PLAIN, encoding="latin-1"), b"\xe9,\x1da,\x1d\n"),
        (b'1,"a\\,b"\n2,x\\,"y"\n', QUOTED, b'1,"a\\,b"\n2,"x,""y"""\n'),
        (b'"m\nn",\\\\z\n"q""r",\\"s\n', QUOTED, b'"m\nn",\\z\n"q""r","""s"\n'),
        (b'"a\\"b\\\\c",d\\"e\n', replace(QUOTED, escape="\\"), b'"a""b\\c","d""e"\n'),
        (b'"a"b,c\\,d\n', QUOTED, b'"a"b,"c,d"\n'),
        (b'"never closed,\\,\n1,2\n', QUOTED, None),
        (b'"Hello world"|1\n" Hello world "|2\n', TRIMMED, b'"Hello world"|1\n" Hello world "|2\n'),
        (b' "Hello world" | a b |  \n', TRIMMED, b'"Hello world"|a b|\n'),
    ],
)
def test_fields_are_enclosed_where_they_have_to_be(data: bytes, form: CsvForm, expected: bytes | None) -> None:
    assert made(data, form) == expected
    packed = made(gzip.compress(data), replace(form, compression="gzip"))
    assert (packed if packed is None else gzip.decompress(packed)) == expected
    packed = made(pa.compress(data, "zstd", asbytes=True), replace(form, compression="zstd"))
    read = None if packed is None else pa.CompressedInputStream(pa.BufferReader(packed), "zstd").read()
    assert read == expected


def test_a_file_with_the_character_that_would_enclose_its_fields_is_none() -> None:
    with pytest.raises(csv_text.Unreadable):
        made(b"1,\x1d\n", PLAIN)
    assert made(b"1,\x1d\n", QUOTED) is None


def test_records_go_on_behind_what_is_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_text, "_CHUNK", 5)
    data = b'1,"a\nb,\n\n\nc"\n2,x\\,y\\\nz\n' * 3
    assert made(data, QUOTED) == b'1,"a\nb,\n\n\nc"\n2,"x,y\nz"\n' * 3
    monkeypatch.setattr(csv_text, "_LONGEST", 2)
    assert made(data, QUOTED) is None, "no row of DuckDB's is as long either"


def test_damaged_files_are_read_as_they_are() -> None:
    whole = gzip.compress(b"1,a\\,b\n" * 500)
    for data in (b"no gzip \\,", whole[:30], whole[:20] + b"\xff" * 20 + whole[40:], whole[:-8] + bytes(8)):
        assert made(data, replace(PLAIN, compression="gzip")) is None
    whole = pa.compress(b"1,a\\,b\n" * 500, "zstd", asbytes=True)
    for data in (b"none", whole[:20], whole[:12] + b"\xff" * 8 + whole[20:]):
        assert made(data, replace(PLAIN, compression="zstd")) is None


def test_what_a_format_means_for_its_files() -> None:
    assert form_of(FileOptions(escape_unenclosed_field=""), "none", "utf-8") is None, "NONE"
    assert form_of(FileOptions(trim_space=True, escape_unenclosed_field=""), "none", "utf-8") is None
    found = form_of(FileOptions(escape="^", trim_space=True, field_optionally_enclosed_by="'"), "gzip", "latin-1")
    assert found == CsvForm(",", "'", "^", "^", True, ("\\N",), "gzip", "latin-1")
    assert CsvForm.read(found.text) == found
