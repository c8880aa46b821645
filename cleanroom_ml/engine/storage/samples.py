"""The sample data that every account has from the start: SAMOOHA_SAMPLE_DATABASE.DEMO.CUSTOMERS and CUSTOMERS_2.

Source: docs.snowflake.com, cleanrooms/installed-artifacts ("Sample data") and the columns that its pages use. The rows
are made up here, always the same; every second row of CUSTOMERS_2 is somebody who is in CUSTOMERS too. They are data of
nobody: everybody may read them, nobody changes them, and the role of the clean room owns them and may pass them on.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from cleanroom_ml.engine.contracts.values import Value
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.namespaces import Namespaces

DATABASE: Final = "SAMOOHA_SAMPLE_DATABASE"
SCHEMA: Final = "DEMO"
EVERYWHERE: Final = frozenset({DATABASE, "SNOWFLAKE"})
"""The databases that are in every account (cleanrooms/installed-artifacts, sql-reference/snowflake-db): nobody makes
one of these names.
"""
COLUMNS: Final = (
    *(("HASHED_EMAIL", "VARCHAR"), ("STATUS", "VARCHAR"), ("AGE_BAND", "VARCHAR"), ("DAYS_ACTIVE", "NUMBER(38,0)")),
    *(("REGION_CODE", "VARCHAR"), ("HOUSEHOLD_SIZE", "NUMBER(38,0)"), ("INCOME_BRACKET", "VARCHAR")),
)
_CUSTOMERS: Final = 1_000
_STATUSES: Final = ("MEMBER", "SILVER", "GOLD", "PLATINUM")
_AGES: Final = ("18-24", "25-34", "35-44", "45-54", "55-64", "65+")
_INCOMES: Final = ("<50K", "50K-100K", "100K-150K", "150K+")
Row = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class SampleTable:
    """One table: its columns with their types as text, and its rows."""

    name: str
    make: Callable[[], tuple[Row, ...]]
    columns: tuple[tuple[str, str], ...] = COLUMNS

    @property
    def rows(self) -> tuple[Row, ...]:
        """All of them."""
        return self.make()


def exists(namespaces: Namespaces, account: str, parts: Sequence[str]) -> bool:
    """Whether this is the sample database, its schema, or a table of it. A database of that name that somebody of the
    account made, when that could be done, is its maker's: nobody has rights on it that are on this one.
    """
    if not 1 <= len(parts) <= 3 or parts[0] != DATABASE or (len(parts) > 1 and parts[1] != SCHEMA):
        return False
    if len(parts) == 3 and parts[2] not in TABLES:
        return False
    return namespaces.database_kind(account, DATABASE) is None


def find(parts: Sequence[str]) -> SampleTable | None:
    """A sample table by its three parts; None for any other name. These names mean it in every account: whatever a
    database of that name has, which one of an older engine may have left there.
    """
    return TABLES.get(parts[2]) if len(parts) == 3 and (parts[0], parts[1]) == (DATABASE, SCHEMA) else None


@cache
def _customers() -> tuple[Row, ...]:
    return tuple(_customer(number, f"customer {number}") for number in range(_CUSTOMERS))


@cache
def _customers_2() -> tuple[Row, ...]:
    """What another company knows: of people who are customers of both, something else."""
    people = (number if number % 2 == 0 else number + _CUSTOMERS for number in range(_CUSTOMERS))
    return tuple(_customer(number, f"customer {number} of the second") for number in people)


def _customer(number: int, seed: str) -> Row:
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


TABLES: Final[Mapping[str, SampleTable]] = {
    each.name: each for each in (SampleTable("CUSTOMERS", _customers), SampleTable("CUSTOMERS_2", _customers_2))
}
PLACES: Final = (Thing("DATABASE", DATABASE), Thing("SCHEMA", DATABASE, SCHEMA))
THINGS: Final = (*PLACES, *(Thing("TABLE", DATABASE, SCHEMA, name) for name in TABLES))
"""What privileges may be on."""
