"""Relations that are in every account without anybody having made them: the clean room's version, and sample data.

Source: docs.snowflake.com, cleanrooms (`SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.ADMIN.VERSION`; the columns of
`SAMOOHA_SAMPLE_DATABASE.DEMO.CUSTOMERS` and `CUSTOMERS_2` that its pages use). The rows are made up here, always the
same; every second row of CUSTOMERS_2 is somebody who is in CUSTOMERS too.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import Final

from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.catalog import Columns, RowsSource
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.types.sql_type import SqlType

VERSION: Final = "19.0"
"""The release of Data Clean Rooms whose procedures these are (release notes of 2026-10-22)."""
SAMPLES: Final = "SAMOOHA_SAMPLE_DATABASE"
_CUSTOMERS: Final = 1_000
_TEXT: Final = SqlType("VARCHAR")
_NUMBER: Final = SqlType("NUMBER", 38, 0)
_COLUMNS: Final[Columns] = (
    *(("HASHED_EMAIL", _TEXT), ("STATUS", _TEXT), ("AGE_BAND", _TEXT), ("DAYS_ACTIVE", _NUMBER)),
    *(("REGION_CODE", _TEXT), ("HOUSEHOLD_SIZE", _NUMBER), ("INCOME_BRACKET", _TEXT)),
)
_STATUSES: Final = ("MEMBER", "SILVER", "GOLD", "PLATINUM")
_AGES: Final = ("18-24", "25-34", "35-44", "45-54", "55-64", "65+")
_INCOMES: Final = ("<50K", "50K-100K", "100K-150K", "150K+")


SAMPLE_TABLES: Final = ("CUSTOMERS", "CUSTOMERS_2")
SAMPLE_SCHEMA: Final = "DEMO"


def lists(database: str, schema: str | None) -> bool:
    """Whether a SHOW may look here: the sample data has a database and a schema of its own in each account."""
    return database == SAMPLES and schema in (None, SAMPLE_SCHEMA)


def relation(parts: tuple[str, ...]) -> RowsSource | None:
    """The relation of this full name; None where there is none. Everybody may read them.

    Raises:
        SqlError: what Snowflake has in each account and this engine has not, by its name.
    """
    match parts:
        case ("SAMOOHA_BY_SNOWFLAKE_LOCAL_DB", "ADMIN", "VERSION"):
            return RowsSource((("VERSION", _TEXT),), ((VERSION,),))
        case ("SAMOOHA_SAMPLE_DATABASE", "DEMO", "CUSTOMERS"):
            return RowsSource(_COLUMNS, _customers())
        case ("SAMOOHA_SAMPLE_DATABASE", "DEMO", "CUSTOMERS_2"):
            return RowsSource(_COLUMNS, _customers_2())
        case ("SNOWFLAKE", ("ACCOUNT_USAGE" | "ORGANIZATION_USAGE" | "DATA_SHARING_USAGE") as schema, _):
            raise SqlError.unsupported(f"SNOWFLAKE.{schema}, of which the embedded engine keeps no record")
    return None


@cache
def _customers() -> tuple[tuple[Value, ...], ...]:
    return tuple(_customer(number, f"customer {number}") for number in range(_CUSTOMERS))


@cache
def _customers_2() -> tuple[tuple[Value, ...], ...]:
    """What another company knows: of people who are customers of both, something else."""
    people = (number if number % 2 == 0 else number + _CUSTOMERS for number in range(_CUSTOMERS))
    return tuple(_customer(number, f"customer {number} of the second") for number in people)


def _customer(number: int, seed: str) -> tuple[Value, ...]:
    drawn = hashlib.sha256(seed.encode()).digest()
    email = hashlib.sha256(f"customer{number}@example.com".encode()).digest()
    return (
        base64.b64encode(email).decode(),
        _STATUSES[drawn[0] % len(_STATUSES)],
        _AGES[drawn[1] % len(_AGES)],
        int.from_bytes(drawn[2:4]) % 1_500,
        f"REGION_{drawn[4] % 12 + 1:02}",
        drawn[5] % 6 + 1,
        _INCOMES[drawn[6] % len(_INCOMES)],
    )
