"""What clients ask for with SHOW, and this engine has none of: their columns, and no rows."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.statements.listing import Listing

_KEYS: Final = (
    "created_on", "database_name", "schema_name", "table_name", "column_name", "key_sequence", "constraint_name",
    "rely", "comment",
)  # fmt: skip
_PROCEDURES: Final = (
    "created_on", "name", "schema_name", "is_builtin", "is_aggregate", "is_ansi", "min_num_arguments",
    "max_num_arguments", "arguments", "description", "catalog_name", "is_table_function",
    "valid_for_clustering", "is_secure",
)  # fmt: skip
_TRANSACTIONS: Final = ("id", "user", "session", "name", "started_on", "state", "scope")

LISTINGS: Final = (
    *(Listing(name, _KEYS) for name in ("PRIMARY KEYS", "IMPORTED KEYS", "UNIQUE KEYS")),
    *(Listing(name, _PROCEDURES) for name in ("FUNCTIONS", "USER FUNCTIONS")),
    Listing("TRANSACTIONS", _TRANSACTIONS),
)
