"""Files of a stage of the real engine: listed once, fetched without a session, read as each kind of file."""

from __future__ import annotations

import gzip
import io
import pickle
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import snowflake.connector
from PIL import Image as Pixels
from snowflake.snowpark import Session

from cleanroom_ml.runtime.raydata.download import FileUnavailableError, content, on_disk
from cleanroom_ml.runtime.raydata.files import StagedFile, StageUnavailableError, list_files
from cleanroom_ml.runtime.raydata.formats import Binary, Csv, Image, Parquet, Text, WithPath
from cleanroom_ml.runtime.raydata.names import stage_path

TEXT = "first\r\nsecond\n\nlast"
BYTES = b"\x1f\x8b\x00not gzip\xff"


@pytest.fixture(scope="module")
def session(make_account: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    given = make_account("rayfiles")
    folder = tmp_path_factory.mktemp("put")
    (folder / "a.txt").write_bytes(TEXT.encode())
    (folder / "b.bin.gz").write_bytes(BYTES)
    (folder / "c.csv").write_text("N,T\n1,x\n2,\n")
    pq.write_table(pa.table({"N": range(100_000), "T": ["t"] * 100_000}), folder / "d.parquet")
    with snowflake.connector.connect(**given) as connection:
        connection.cursor().execute("CREATE DATABASE D")
    with Session.builder.configs({**given, "database": "D", "schema": "PUBLIC"}).create() as session:
        session.sql("CREATE TEMPORARY STAGE S").collect()
        for name, place, compress in (
            ("a.txt", "text", False), ("a.txt", "text/packed", True), ("b.bin.gz", "da ta", False),
            ("c.csv", "csv", True), ("d.parquet", "parquet", False),
        ):  # fmt: skip
            session.file.put(str(folder / name), f"@S/{place}", auto_compress=compress)
        yield session


def files(location: str, *patterns: str) -> list[StagedFile]:
    return list_files(stage_path(location), patterns)


def one(location: str) -> StagedFile:
    (found,) = files(location)
    return found


def read(reader: Any, file: StagedFile) -> list[dict[str, Any]]:
    return [row for block in reader.blocks(file) for row in block.to_pylist()]


def test_a_place_is_a_prefix_and_patterns_choose(session: Session) -> None:
    assert [file.name for file in files("@S/text")] == ["s/text/a.txt", "s/text/packed/a.txt.gz"]
    assert [file.below for file in files("@D.PUBLIC.S/text/")] == ["a.txt", "packed/a.txt.gz"]
    assert [file.name for file in files("@S", "*.gz")] == [
        *("s/csv/c.csv.gz", "s/da ta/b.bin.gz", "s/text/packed/a.txt.gz")
    ]
    assert [file.below for file in files("@S/", "a.*", "*.parquet")] == [
        *("parquet/d.parquet", "text/a.txt", "text/packed/a.txt.gz")
    ]
    assert files("@S/nothing") == []


def test_each_kind_of_file(session: Session, tmp_path: Path) -> None:
    lines = ["first", "second", "", "last"]
    for place in ("@S/text/a", "@S/text/packed/"):
        assert [row["text"] for row in read(Text(), one(place))] == lines
    assert {row["file_name"] for row in read(Text(), one("@S/text/a"))} == {"s/text/a.txt"}
    assert len(read(Text(drop_empty_lines=True), one("@S/text/a"))) == 3
    assert read(Binary(tmp_path / "kept"), one("@S/da ta/")) == [
        {"file_binary": BYTES, "file_name": "s/da ta/b.bin.gz"}
    ]
    assert (tmp_path / "kept" / "b.bin.gz").read_bytes() == BYTES
    assert read(WithPath(Csv()), one("@S/csv/")) == [
        {"N": 1, "T": "x", "path": "s/csv/c.csv.gz"},
        {"N": 2, "T": "", "path": "s/csv/c.csv.gz"},
    ]
    blocks = list(Parquet(["N"]).blocks(one("@S/parquet/")))
    assert [block.num_rows for block in blocks] == [65_536, 34_464]
    assert blocks[0].column_names == ["N"]


def test_what_is_none_of_its_kind_is_said_by_name(session: Session) -> None:
    with pytest.raises(ValueError, match=r"the file s/text/a\.txt of the stage cannot be read as Parquet"):
        read(Parquet(), one("@S/text/a"))
    with pytest.raises(OSError, match=r"gzip|zlib"):
        read(Text(), one("@S/da ta/"))


def test_images(session: Session, tmp_path: Path) -> None:
    pixels = np.arange(4 * 6 * 3, dtype=np.uint8).reshape((4, 6, 3))
    Pixels.fromarray(pixels).save(tmp_path / "p.png")
    session.file.put(str(tmp_path / "p.png"), "@S/images", auto_compress=False)
    file = one("@S/images/")
    (block,) = Image(include_paths=True).blocks(file)
    assert block.column_names == ["image", "path"]
    assert np.array_equal(block["image"].to_numpy()[0].reshape(pixels.shape), pixels)
    (block,) = Image((2, 3), "L").blocks(file)
    assert tuple(block.schema.field("image").type.shape) == (2, 3)
    with pytest.raises(ValueError, match=r"s/text/a\.txt of the stage is no image"):
        list(Image().blocks(one("@S/text/a")))


def test_another_process_fetches_a_file_without_a_session(session: Session, tmp_path: Path) -> None:
    given = tmp_path / "file.pickle"
    given.write_bytes(pickle.dumps(one("@S/da ta/")))
    code = """
import pickle, sys
from pathlib import Path
from cleanroom_ml.runtime.raydata.download import content
print(content(pickle.loads(Path(sys.argv[1]).read_bytes())).hex(), "snowflake.connector" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code, given], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [BYTES.hex(), "False"]


def test_a_file_is_what_it_was_when_listed(session: Session, tmp_path: Path) -> None:
    (tmp_path / "e.txt").write_text("before")
    session.file.put(str(tmp_path / "e.txt"), "@S/changing", auto_compress=False)
    file = one("@S/changing/")
    (tmp_path / "e.txt").write_text("and after")
    session.file.put(str(tmp_path / "e.txt"), "@S/changing", auto_compress=False, overwrite=True)
    assert content(file) == b"before"
    assert content(one("@S/changing/")) == b"and after"
    with on_disk(file) as path:
        assert path.read_bytes() == b"before"
    assert not path.exists()


def test_a_full_disk_is_said_at_once(session: Session, tmp_path: Path) -> None:
    (tmp_path / "large.bin").write_bytes(bytes(100_000))
    session.file.put(str(tmp_path / "large.bin"), "@S/large", auto_compress=False)
    file = one("@S/large/")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(OSError, match="File too large") as caught, on_disk(file):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not isinstance(caught.value, FileUnavailableError)  # which it is after fifteen minutes of attempts


@pytest.mark.attack
def test_an_address_that_is_not_ones_own_is_refused(session: Session) -> None:
    file = one("@S/text/a")
    forged = StagedFile(file.name, file.below, file.url.replace("/stage/download/", "/stage/download/A"), file.nbytes)
    with pytest.raises(FileUnavailableError, match=r"s/text/a\.txt is not in its stage any more \(HTTP 404\)"):
        content(forged)


@pytest.mark.parametrize("location", ["@NOPE/x", "@D.NOPE.S", "@OTHER.PUBLIC.S/x"])
def test_a_stage_that_is_not_there_is_named(session: Session, location: str) -> None:
    with pytest.raises(StageUnavailableError) as caught:
        files(location)
    assert f"cannot use the stage {location[1:].partition('/')[0]} " in str(caught.value)
    assert "reaches stages that it made itself only" in str(caught.value)


def test_packed_text_that_is_cut_off_is_an_error(session: Session, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as file:
        file.write(b"line\n" * 10_000)
    (tmp_path / "cut.txt.gz").write_bytes(packed.getvalue()[:-20])
    session.file.put(str(tmp_path / "cut.txt.gz"), "@S/cut", auto_compress=False)
    with pytest.raises(OSError, match=r"[Tt]runcated|ended"):
        read(Text(), one("@S/cut/"))
