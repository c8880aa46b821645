"""Load a sample project's Parquet files into the account of the party that has them.

What the party's own data team would have done long ago; nothing of the clean room is involved yet. For
`sample_projects/*/load.py`, which say what each party's tables are.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq
from snowflake.connector.cursor import SnowflakeCursor

from cleanroom_ml.connection import Connection, connect, resolve
from cleanroom_ml.errors import UsageError
from cleanroom_ml.local.sample_script import script


@dataclass(frozen=True, slots=True)
class SampleTable:
    """A table `DATABASE.SCHEMA.NAME` and its columns as CREATE TABLE has them.

    Its rows are in `<party>/data/<name>*.parquet`, the name in lower case.
    """

    name: str
    columns: str

    @property
    def pattern(self) -> str:
        return f"{self.name.rpartition('.')[2].lower()}*.parquet"


class Loaded(NamedTuple):
    """`fresh` is False where the table had all its rows before."""

    table: str
    rows: int
    fresh: bool

    def __str__(self) -> str:
        return f"{self.table}: {self.rows:,} rows" + ("" if self.fresh else " (loaded before)")


def load_tables(connection: Connection, tables: Sequence[SampleTable], party: Path) -> Iterator[Loaded]:
    """Load what is not loaded yet, from `data/` of the party's directory. A table with all its rows is left alone.

    Raises:
        UsageError: the files are not there.
    """
    cursor = connection.cursor()
    for table in tables:
        files = sorted((party / "data").glob(table.pattern))
        if not files:
            raise UsageError(f"{party.name}/data/{table.pattern} is not there", fix="python generate.py")
        database, schema, name = table.name.split(".")
        cursor.execute(f"CREATE DATABASE IF NOT EXISTS {database}")
        cursor.execute(f"USE SCHEMA {database}.{schema}")
        cursor.execute(f"SHOW TABLES LIKE '{name}' IN SCHEMA {database}.{schema}")
        there = cursor.fetchall()
        fresh = not there or _count(cursor, name) != sum(pq.read_metadata(file).num_rows for file in files)
        if fresh:
            _fill(cursor, name, table.columns, files)
        yield Loaded(table.name, _count(cursor, name), fresh)


def load_script(tables: Mapping[str, Sequence[SampleTable]], file: str) -> None:
    """`python load.py PARTY [-c CONNECTION]`, the whole program: loads that party's tables and says so line by line.

    Args:
        tables: by party.
        file: the script's `__file__`; the parties' directories lie beside it. A directory's connection is the one bound
            to it, unless another is named.
    """
    parser = argparse.ArgumentParser(description="Load one party's Parquet files into its account.")
    parser.add_argument("party", choices=list(tables))
    parser.add_argument("-c", "--connection", help="default: the connection bound to the party's directory")

    @script
    def main() -> None:
        arguments = parser.parse_args()
        directory = Path(file).parent / arguments.party
        with connect(resolve(arguments.connection, directory=directory)) as connection:
            for loaded in load_tables(connection, tables[arguments.party], directory):
                sys.stdout.write(f"{loaded}\n")

    main()


def _fill(cursor: SnowflakeCursor, name: str, columns: str, files: Sequence[Path]) -> None:
    cursor.execute(f"CREATE OR REPLACE TABLE {name} ({columns})")
    cursor.execute(f"CREATE OR REPLACE TEMPORARY STAGE LOAD_{name}")
    for file in files:
        cursor.execute(f"PUT 'file://{file.as_posix()}' @LOAD_{name} AUTO_COMPRESS=FALSE")
    cursor.execute(
        f"COPY INTO {name} FROM @LOAD_{name} FILE_FORMAT=(TYPE=PARQUET) MATCH_BY_COLUMN_NAME=CASE_INSENSITIVE"
    )


def _count(cursor: SnowflakeCursor, table: str) -> int:
    cursor.execute(f"SELECT COUNT(*) FROM {table}")
    row = cursor.fetchone()
    assert isinstance(row, tuple)
    return int(row[0])
