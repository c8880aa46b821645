"""Arguments and values of procedures in Python, between JSON and Python (inside of their sandbox).

Source: developer-guide/udf-stored-procedure-data-type-mapping.
"""

from __future__ import annotations

import base64
import datetime
import json
import math
from decimal import Decimal
from typing import Any

from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.sql.values import json_text
from cleanroom_ml.engine.warehouse.python_values import Plain, unwrapped


def given(value: Any, found: SqlType) -> Plain:  # Any: JSON
    """An argument as a handler gets it."""
    if isinstance(value, dict):
        value = _typed(value["$"], value["v"])
    if value is None:
        return None
    if found.is_json:
        return json_text.in_python(json_text.read(value)) if isinstance(value, str) else value
    if found.record.python == "decimal":
        return int(value) if found.is_whole else value if isinstance(value, Decimal) else Decimal(str(value))
    return float(value) if found.record.python == "float" else value


def _typed(kind: str, text: str) -> Plain:
    match kind:
        case "datetime":
            return datetime.datetime.fromisoformat(text)
        case "date":
            return datetime.date.fromisoformat(text)
        case "time":
            return datetime.time.fromisoformat(text)
        case "decimal":
            return Decimal(text)
        case "bytes":
            return base64.b64decode(text)
        case "variant":
            return text
        case _:
            return json.loads(text)


def plain(value: Plain) -> object:
    """What a handler returned, as JSON that the declared type is made of. Raises TypeError: it is no value of SQL."""
    value = unwrapped(value)
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else {math.inf: "inf", -math.inf: "-inf"}.get(value, "NaN")
        case Decimal():
            return str(value)
        case bytes() | bytearray():
            return bytes(value).hex().upper()
        case datetime.datetime():
            return value.isoformat(sep=" ")
        case datetime.date() | datetime.time():
            return value.isoformat()
        case list() | tuple():
            return [plain(item) for item in value]
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case _:
            raise TypeError(f"a {type(value).__name__} is no value that a procedure can return")
