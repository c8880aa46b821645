"""A catalog over Parquet files, and a DuckDB that runs what was compiled against it: what the unit tests of
translation share.
"""

from __future__ import annotations

import datetime
from pathlib import Path

import duckdb

from cleanroom_ml.engine.sql.binds import NO_BINDS, Binds
from cleanroom_ml.engine.sql.catalog import ContextValues, Source, TableSource, ViewSource
from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.compiled import Compiled
from cleanroom_ml.engine.sql.tree.dialect import Node
from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.warehouse.failing import failure
from cleanroom_ml.engine.warehouse.failures import from_answer
from cleanroom_ml.engine.warehouse.functions import register

PEOPLE = """SELECT i::BIGINT AS "ID", 'n' || i AS "NAME", DATE '2024-01-31' + i::INT AS "BORN",
 '{"a":{"b":[' || i || ',"x"]},"s":"str' || i || '"}' AS "DOC", i / 2.0::DOUBLE AS "SCORE" FROM range(4) r(i)"""
ORDERS = """SELECT (i % 2)::BIGINT AS "ID", (i * 10)::BIGINT AS "AMOUNT" FROM range(5) r(i)"""


class World:
    """Catalog and executor. Objects are named after their tables."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")
        self.registered: set[str] = set()
        self.parameters: dict[str, str] = {}
        self.sources: dict[tuple[str, ...], Source] = {}
        self.table("PEOPLE", "ID INT;NAME VARCHAR;BORN DATE;DOC VARIANT;SCORE FLOAT", PEOPLE)
        self.table("ORDERS", "ID INT;AMOUNT INT", ORDERS)
        self.sources[("EMPTY",)] = TableSource((("A", parse_type("INT")), ("B", parse_type("VARIANT"))), (), True)
        self.sources[("NAMES",)] = ViewSource(("WHO",), "select name from people where id > 1", self)
        self.sources[("LOOP",)] = ViewSource(None, "select * from loop", self)

    def table(self, name: str, columns: str, query: str) -> None:
        self.connection.execute(f"COPY ({query}) TO '{self.path(name)}' (FORMAT parquet)")
        declared = tuple((item.split()[0], parse_type(item.split(None, 1)[1])) for item in columns.split(";"))
        self.sources[(name,)] = TableSource(declared, (name,), True)

    def path(self, sha256: str) -> Path:
        return self.root / f"{sha256}.parquet"

    def source(self, parts: tuple[str, ...]) -> Source | None:
        return self.sources.get(parts)

    def context(self) -> ContextValues:
        return ContextValues(
            "ACME",
            "ANN",
            "PUBLIC",
            None,
            "DB",
            "PUBLIC",
            "7",
            variables={"LIMIT_DAY": datetime.date(2024, 2, 1), "ZERO": 0},
            parameters=self.parameters,
        )

    def run(self, compiled: Compiled) -> list[tuple[object, ...]]:
        sql = compiled.sql
        for number, sha256 in enumerate(compiled.inputs):
            sql = sql.replace(f"{compiled.token}:{number}:", str(self.path(sha256)))
        self.registered = register(self.connection, sql, self.registered)
        self.connection.execute(f"SET TimeZone = '{compiled.zone}'")
        return self.connection.sql(sql).fetchall()

    def names(self, text: str | Node, binds: Binds = NO_BINDS) -> list[str]:
        compiled = compile_query(text, self, binds)
        sql = compiled.sql
        for number, sha256 in enumerate(compiled.inputs):
            sql = sql.replace(f"{compiled.token}:{number}:", str(self.path(sha256)))
        self.registered = register(self.connection, sql, self.registered)
        return list(self.connection.sql(sql).columns)

    def query(self, text: str | Node, binds: Binds = NO_BINDS) -> list[tuple[object, ...]]:
        return self.run(compile_query(text, self, binds))

    def answer(self, text: str) -> list[tuple[object, ...]]:
        """The rows of a query. Raises SqlError: what a client is told, of what a worker finds as well."""
        compiled = compile_query(text, self)
        try:
            return self.run(compiled)
        except duckdb.Error as error:
            raise from_answer(failure(error), compiled, (), "query") from None
