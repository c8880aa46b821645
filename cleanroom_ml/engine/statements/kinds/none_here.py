"""What clients ask for with SHOW, and this engine has none of: their columns, and no rows."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.statements.listing import Listing

_KEYS: Final = (
    "created_on", "database_name", "schema_name", "table_name", "column_name", "key_sequence", "constraint_name",
    "rely", "comment",
)  # fmt: skip
_TRANSACTIONS: Final = ("id", "user", "session", "name", "started_on", "state", "scope")

LISTINGS: Final = (
    *(Listing(name, _KEYS) for name in ("PRIMARY KEYS", "IMPORTED KEYS", "UNIQUE KEYS")),
    Listing("TRANSACTIONS", _TRANSACTIONS),
)
