"""Relations that are in every account without anybody having made them: the clean room's version, sample
data, the account's history of queries. These names mean that whatever somebody made under them.

Source: docs.snowflake.com, cleanrooms (`SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.ADMIN.VERSION`).
"""

from __future__ import annotations

from typing import Final

from cleanroom_ml import naming
from cleanroom_ml.engine.sql.catalog import RowsSource
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.statements import information_schema, query_history
from cleanroom_ml.engine.statements.information_schema_rows import Seen
from cleanroom_ml.engine.storage import samples

VERSION: Final = "19.0"
"""The release of Data Clean Rooms whose procedures these are (release notes of 2026-10-22)."""


def relation(seen: Seen, parts: tuple[str, ...]) -> RowsSource | None:
    """The relation of this full name; None where there is none for these roles. Everybody may read the version
    and the sample data.

    Raises:
        SqlError: what Snowflake has in each account and this engine has not, by its name.
    """
    sample = samples.find(parts)
    if sample is not None:
        return RowsSource.of(sample.columns, sample.rows)
    if seen.shared and parts[1] == information_schema.NAME:
        return information_schema.relation(seen, parts[2])
    if parts[1] == information_schema.NAME and samples.exists(seen.storage.namespaces, seen.account, parts[:1]):
        return _of_the_sample_data(seen, parts[2])
    match parts:
        case (naming.ROOM_DATABASE, "ADMIN", "VERSION"):
            return RowsSource.of((("VERSION", "VARCHAR"),), ((VERSION,),))
        case query_history.VIEW:
            return query_history.relation(seen, parts)
        case ("SNOWFLAKE", information_schema.NAME, name):
            if (told := query_history.relation(seen, parts)) is not None:
                return told
            raise SqlError.unsupported(
                f"SNOWFLAKE.INFORMATION_SCHEMA.{name[:60]}: only its QUERY_HISTORY functions are"
            )
        case ("SNOWFLAKE", ("ACCOUNT_USAGE" | "ORGANIZATION_USAGE" | "DATA_SHARING_USAGE") as schema, _):
            raise SqlError.unsupported(f"SNOWFLAKE.{schema}, of which the embedded engine keeps no record")
    return None


def _of_the_sample_data(seen: Seen, name: str) -> RowsSource | None:
    """A relation of the sample database's INFORMATION_SCHEMA. Raises SqlError: one of what is not told of it."""
    if name.endswith("_PRIVILEGES"):
        raise SqlError.unsupported(f"INFORMATION_SCHEMA.{name} of {samples.DATABASE}: SHOW GRANTS ON tells it")
    return information_schema.relation(seen, name)


def always(parts: tuple[str | None, ...]) -> bool:
    """Whether this full name is of these relations in every account, whoever made what under it."""
    written = tuple(each for each in parts if each is not None)
    return written == query_history.VIEW or samples.find(written) is not None
