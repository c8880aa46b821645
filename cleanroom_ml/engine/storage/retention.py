"""DATA_RETENTION_TIME_IN_DAYS: for how long what was removed can be had back (user-guide/data-time-travel of
Snowflake's documentation): the table's own, else its schema's, its database's, and one day.
"""

from __future__ import annotations

import sqlite3
from typing import Final

DAY: Final = 86_400_000_000
DEFAULT: Final = 1
MOST: Final = 90
SHORT: Final = frozenset({"TRANSIENT", "TEMPORARY"})
"""The kinds of table that have a day at most."""
INHERITED: Final = -1
"""A table that says nothing itself."""


def of_namespace(connection: sqlite3.Connection, account: str, database: str, schema: str = "") -> int:
    """The days of what says nothing itself in a schema, or in a database."""
    row = connection.execute(
        """SELECT coalesce(s.retention, d.retention) AS days FROM databases d LEFT JOIN schemas s
           ON s.account = d.account AND s.database = d.name AND s.name = ?3 WHERE d.account = ?1 AND d.name = ?2""",
        (account, database, schema),
    ).fetchone()
    return DEFAULT if row is None or row["days"] is None else int(row["days"])


def of_table(connection: sqlite3.Connection, row: sqlite3.Row) -> int:
    """The days of a table. A transient and a temporary one have one at most (user-guide/tables-temp-transient)."""
    days = int(row["retention"])
    if days < 0:
        days = of_namespace(connection, row["account"], row["database"], row["schema"])
    return min(days, 1) if row["kind"] in SHORT else days
