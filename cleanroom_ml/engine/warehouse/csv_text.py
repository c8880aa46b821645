"""Staged CSV files with fields that DuckDB does not read: a delimiter, a line's end or the escape character itself
escaped in a field that is not enclosed (sql-reference/sql/create-file-format, ESCAPE_UNENCLOSED_FIELD, a backslash by
default), and spaces around an enclosed field (TRIM_SPACE). Another file is made, in which such fields are enclosed; one
that has nothing of it is read as it is.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import zlib
from collections.abc import Generator
from typing import Final, cast

import pyarrow as pa

from cleanroom_ml.engine.sql.files.csv_form import HIDDEN, CsvForm

_CHUNK: Final = 1 << 20
_LONGEST: Final = 16 << 20
"""A record that is longer is no row of DuckDB's either (`max_line_size`)."""


class Unreadable(Exception):
    """A file has the character that would have to enclose its fields."""


class _Other(Exception):
    """A file is not what its form says: DuckDB reads it as it is, and says what is wrong with it."""


def rewritten(fd: int, form: CsvForm) -> int | None:
    """A descriptor of the same records with those fields enclosed, kept in memory alone; None: the file may be read as
    it is. Raises Unreadable.
    """
    try:
        if not _asks_for_it(fd, form):
            return None
        made = os.memfd_create("csv")
        try:
            with os.fdopen(os.dup(made), "wb") as output, _written(output, form.compression) as text:
                for record in _Records(form).of(fd):
                    text.write(record)
        except BaseException:
            os.close(made)
            raise
    except (_Other, EOFError, OSError, zlib.error, pa.ArrowException):
        return None
    os.lseek(made, 0, os.SEEK_SET)
    return made


def _asks_for_it(fd: int, form: CsvForm) -> bool:
    escapes = [each.encode(form.encoding) for each in (form.unenclosed, form.escape) if each]
    found = form.trims
    with _read(fd, form.compression) as file:
        while chunk := file.read(_CHUNK):
            if not form.enclosed_by and HIDDEN.encode() in chunk:
                raise Unreadable
            found = found or any(each in chunk for each in escapes)
            if found and form.enclosed_by:
                return True
    return found


def _read(fd: int, compression: str) -> io.BufferedIOBase:
    file = os.fdopen(os.dup(fd), "rb")
    file.seek(0)
    if compression == "gzip":
        return cast("io.BufferedIOBase", gzip.open(file))
    if compression == "zstd":
        return io.BufferedReader(pa.CompressedInputStream(file, "zstd"))
    return file


def _written(file: io.BufferedWriter, compression: str) -> io.BufferedIOBase:
    if compression == "gzip":
        return cast("io.BufferedIOBase", gzip.open(file, "wb", compresslevel=1))
    if compression == "zstd":
        return cast("io.BufferedIOBase", pa.CompressedOutputStream(file, "zstd"))
    return file


def _class(characters: bytes) -> bytes:
    """Bytes as members of a class of a regular expression."""
    return b"".join(rb"\x%02x" % each for each in characters)


class _Records:
    """The records of files of one form, as DuckDB reads them."""

    def __init__(self, form: CsvForm) -> None:
        self._form = form
        delimiter, quote, inside, escape = (
            each.encode(form.encoding) for each in (form.delimiter, form.enclosed_by, form.escape, form.unenclosed)
        )
        self._delimiter, self._quote = delimiter, quote
        self._nulls = frozenset(each.encode(form.encoding) for each in form.nulls)
        self._escapes = [each for each in (inside, escape) if each]
        spaces = rb" *" if form.trims else b""
        ends = rb"(?:" + (re.escape(delimiter) + rb"|" if delimiter else b"") + rb"\r?\n|\Z)"
        # Each byte can be taken in one way alone, so that nothing is tried twice. Possessive and atomic groups say that
        # as well, but one inside of another takes too much in Python 3.11.2.
        marks = delimiter[:1] + b"\r\n"
        other = rb"[^" + _class(escape + marks) + rb"]*"
        within = rb"(?!" + ends + rb")[" + _class(marks) + rb"]"
        skipped = re.escape(escape) + rb".|" if escape else b""
        bare = rb"(" + other + rb"(?:(?:" + skipped + within + rb")" + other + rb")*)(" + ends + rb")"
        self._bare = re.compile(bare, re.DOTALL)
        self._escaped = re.compile(re.escape(escape) + rb"(.)", re.DOTALL) if escape else None
        self._quick = None
        if escape and len(delimiter) == 1 and not form.trims:
            others = other + rb"(?:\r(?!\n)" + other + rb")*"
            begins = rb"(?:(?<=" + re.escape(delimiter) + rb")|(?<=\n)|\A)"
            self._quick = re.compile(begins + others + rb"(?:" + re.escape(escape) + rb"." + others + rb")+", re.DOTALL)
            twice = rb"(?:" + re.escape(escape * 2) + rb")*"
            self._goes_on = re.compile(rb"(?<!" + re.escape(escape) + rb")" + twice + re.escape(escape) + rb"\r?\n\Z")
        self._opens = self._closed = self._enclosed = self._inside = None
        if not quote:
            return
        pairs = re.escape(quote * 2)
        pairs += rb"|" + re.escape(inside) + rb"." if inside and inside != quote else b""
        other = rb"[^" + _class(quote + inside) + rb"]*"
        text = rb"(" + other + rb"(?:(?:" + pairs + rb")" + other + rb")*)"
        # The last of an odd number of quotes is the one that closes.
        closed = spaces + re.escape(quote) + text + re.escape(quote) + rb"(?!" + re.escape(quote) + rb")"
        self._opens = re.compile(spaces + re.escape(quote))
        self._closed = re.compile(closed, re.DOTALL)
        self._enclosed = re.compile(closed + spaces + rb"(" + ends + rb")", re.DOTALL)
        if inside:
            self._inside = re.compile(re.escape(inside) + rb"(.)|" + re.escape(quote * 2), re.DOTALL)

    def of(self, fd: int) -> Generator[bytes, None, None]:
        """The records of a file, those that need nothing as they are. Raises _Other."""
        with _read(fd, self._form.compression) as file:
            text = b""
            # A record of many lines is not begun anew with each of them.
            while more := file.read(max(_CHUNK, len(text))):
                text += more + file.readline(_LONGEST + 1)
                text = yield from self._whole(text)
                if len(text) > _LONGEST:
                    raise _Other
            if text and (yield from self._whole(text)):
                raise _Other  # a field that is never closed

    def _whole(self, text: bytes) -> Generator[bytes, None, bytes]:
        """The records that a text has to their ends; the rest of it is returned."""
        if self._is_plain(text):
            yield text
            return b""
        if self._quick is not None and not (self._quote and self._quote in text) and not self._goes_on.search(text):
            yield self._quick.sub(lambda field: self._value(field[0]), text)
            return b""
        at = 0
        while at < len(text):
            found = self._record(text, at)
            if found is None:
                break
            made, at = found
            yield made
        return text[at:]

    def _is_plain(self, text: bytes) -> bool:
        closed = not self._quote or text.count(self._quote) % 2 == 0
        return closed and not self._form.trims and not any(each in text for each in self._escapes)

    def _record(self, text: bytes, at: int) -> tuple[bytes, int] | None:
        """The record that begins at a place, with its fields enclosed where they have to be, and where it ends; None:
        it is not all there. Raises _Other.
        """
        made = bytearray()
        while True:
            opens = self._opens is not None and self._opens.match(text, at) is not None
            found = self._enclosed.match(text, at) if opens and self._enclosed is not None else None
            if found is not None:
                made += self._again(found[1])
            elif opens and self._closed is not None and self._closed.match(text, at) is None:
                return None
            else:  # what goes on behind its second quote is DuckDB's to refuse
                found = self._bare.match(text, at)
                if found is None:
                    raise _Other
                made += found[1] if opens else self._value(found[1])
            end = found[2]
            made += end
            at = found.end()
            if end and end == self._delimiter:
                continue
            return None if not end and text.endswith(b"\n") else (bytes(made), at)

    def _again(self, field: bytes) -> bytes:
        if self._inside is not None:
            field = self._inside.sub(lambda each: each[1] or self._quote, field).replace(self._quote, self._quote * 2)
        return self._quote + field + self._quote

    def _value(self, field: bytes) -> bytes:
        field = field.strip(b" ") if self._form.trims else field
        if self._escaped is None or field in self._nulls:
            return field
        value = self._escaped.sub(rb"\1", field)
        quote = self._quote or HIDDEN.encode()
        special = value != field and any(each in value for each in (self._delimiter, b"\n", b"\r", quote) if each)
        return quote + value.replace(quote, quote * 2) + quote if special else value
