"""What is said of a file that is not what its name says, or whose lines do not go together."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from cleanroom_ml.errors import UsageError
from cleanroom_ml.services.file_looks import ragged, refuse_no_text, separator


@pytest.mark.parametrize(
    ("begin", "told"),
    [
        (b"PK\x03\x04\x14\0", "Excel"),
        (b"\xd0\xcf\x11\xe0\xa1", "Excel"),
        (b"PAR1", "Parquet"),
        (b"\x1f\x8b\x08", "gzip"),
        ("a,b".encode("utf-16"), "UTF-16"),
        (b"a,b\n\0", "NUL"),
    ],
)
def test_what_is_no_text_is_refused_by_what_it_is(tmp_path: Path, begin: bytes, told: str) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(begin)
    with pytest.raises(UsageError) as caught:
        refuse_no_text(file)
    assert told in f"{caught.value.why}"
    file.write_bytes(b"PK,\xe4\n")  # what is text in another encoding is the target's to say
    refuse_no_text(file)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n1,2\n3\n", "line 3 has 1 column, the first one has 2 columns"),
        ('a,b\n1,"two\nlines"\n4,5,6\n', "line 4 has 3 columns, the first one has 2 columns"),
        ("a;b\n1,5;2,5\n", "line 2 has 3 columns, the first one has 1 column; its fields look separated by ';'"),
        ("a,b\n\n1,2\n", None),
        ('a,b\n1,"2\n', None),
        ("", None),
    ],
)
def test_the_first_line_of_another_width_is_named(tmp_path: Path, text: str, told: str | None) -> None:
    (tmp_path / "a.csv").write_text(text)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text.encode()))
    assert ragged(tmp_path / "a.csv", ",") == told
    assert ragged(tmp_path / "a.csv.gz", ",") == told


def test_what_separates_fields_is_guessed_from_the_one_name() -> None:
    assert separator("a;b;c|d", ",") == ";"
    assert separator("a\tb", ",") == "\t"
    assert separator("a,b", ";") == ","
    assert separator("a b", ",") is None
