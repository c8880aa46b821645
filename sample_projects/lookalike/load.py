"""Load one party's Parquet files into its account: `python load.py publisher` (or `advertiser`).

What the party's own data team would have done long ago. The connection is the directory's, as for every command
(`cleanroom-ml connection use NAME`), or `--connection NAME`; nothing of the clean room is involved yet.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
from snowflake.connector.cursor import SnowflakeCursor

from cleanroom_ml.connection import Connection, connect, resolve

HERE = Path(__file__).parent

TRANSACTIONS = """CREATE OR REPLACE TABLE ML_DB.PUBLIC.TRANSACTIONS (
  HASHED_EMAIL VARCHAR, BASKET_ID NUMBER(38,0), PRODUCT_ID NUMBER(38,0), QUANTITY NUMBER(38,0), SALES_VALUE FLOAT,
  RETAIL_DISC FLOAT, COUPON_DISC FLOAT, COUPON_MATCH_DISC FLOAT, WEEK NUMBER(38,0),
  TRANSACTION_TIMESTAMP TIMESTAMP_NTZ)"""
PRODUCTS = """CREATE OR REPLACE TABLE ML_DB.PUBLIC.PRODUCTS (
  PRODUCT_ID NUMBER(38,0), DEPARTMENT VARCHAR, PRODUCT_CATEGORY VARCHAR)"""
REDEEMERS = "CREATE OR REPLACE TABLE CRM_DB.PUBLIC.REDEEMERS (HASHED_EMAIL VARCHAR)"

# party: (database, [(table, its DDL, its files)])
TABLES = {
    "publisher": (
        "ML_DB",
        [("TRANSACTIONS", TRANSACTIONS, "transactions_*.parquet"), ("PRODUCTS", PRODUCTS, "products.parquet")],
    ),
    "advertiser": ("CRM_DB", [("REDEEMERS", REDEEMERS, "redeemers.parquet")]),
}


def load(connection: Connection, party: str, root: Path = HERE) -> Iterator[tuple[str, int, bool]]:
    """Load what is not loaded yet: yields (table, rows, loaded now). A table with all its rows is left alone."""
    database, tables = TABLES[party]
    cursor = connection.cursor()
    cursor.execute(f"CREATE DATABASE IF NOT EXISTS {database}")
    cursor.execute(f"USE SCHEMA {database}.PUBLIC")
    for table, ddl, pattern in tables:
        files = sorted((root / party / "data").glob(pattern))
        if not files:
            raise SystemExit(f"{party}/data/{pattern} is not there: run `python generate.py` first")
        expected = sum(pq.read_metadata(file).num_rows for file in files)
        there = cursor.execute(f"SHOW TABLES LIKE '{table}' IN SCHEMA {database}.PUBLIC").fetchall()
        fresh = not there or _count(cursor, table) != expected
        if fresh:
            cursor.execute(ddl)
            cursor.execute(f"CREATE OR REPLACE TEMPORARY STAGE LOAD_{table}")
            for file in files:
                cursor.execute(f"PUT 'file://{file.as_posix()}' @LOAD_{table} AUTO_COMPRESS=FALSE")
            cursor.execute(
                f"COPY INTO {table} FROM @LOAD_{table} FILE_FORMAT=(TYPE=PARQUET) MATCH_BY_COLUMN_NAME=CASE_INSENSITIVE"
            )
        yield f"{database}.PUBLIC.{table}", _count(cursor, table), fresh


def _count(cursor: SnowflakeCursor, table: str) -> int:
    row = cursor.execute(f"SELECT COUNT(*) FROM {table}").fetchone()
    return int(row[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("party", choices=sorted(TABLES))
    parser.add_argument("-c", "--connection", help="default: the connection bound to the party's directory")
    arguments = parser.parse_args()
    with connect(resolve(arguments.connection, directory=HERE / arguments.party)) as connection:
        for table, rows, fresh in load(connection, arguments.party):
            print(f"{table}: {rows:,} rows" + ("" if fresh else " (loaded before)"))


if __name__ == "__main__":
    main()
