"""The little that translation knows of a value's type: enough to treat JSON, text, dates and numbers as Snowflake
does.
"""

from __future__ import annotations

from typing import Final, Literal

Kind = Literal["JSON", "TEXT", "NUM", "DATE", "TIMESTAMP", "BINARY", "OTHER"]

JSON: Final = "JSON"
TEXT: Final = "TEXT"
NUM: Final = "NUM"
DATE: Final = "DATE"
TIMESTAMP: Final = "TIMESTAMP"
BINARY: Final = "BINARY"
OTHER: Final = "OTHER"
