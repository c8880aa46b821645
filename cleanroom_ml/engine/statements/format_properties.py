"""What DESCRIBE FILE FORMAT says (sql-reference/sql/desc-file-format): each property that a format of a type has, its
value and the default. Clients read the whole of it (snowpark: `snowflake_plan._merge_file_format_options`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

_MOMENTS: Final = (
    ("DATE_FORMAT", "String", "AUTO"), ("TIME_FORMAT", "String", "AUTO"), ("TIMESTAMP_FORMAT", "String", "AUTO"),
    ("BINARY_FORMAT", "String", "HEX"),
)  # fmt: skip
_PROPERTIES: Final[Mapping[str, tuple[tuple[str, str, object], ...]]] = {
    "CSV": (
        ("RECORD_DELIMITER", "String", "\n"), ("FIELD_DELIMITER", "String", ","), ("FILE_EXTENSION", "String", ""),
        ("SKIP_HEADER", "Integer", 0), ("PARSE_HEADER", "Boolean", False), *_MOMENTS, ("ESCAPE", "String", None),
        ("ESCAPE_UNENCLOSED_FIELD", "String", "\\"), ("TRIM_SPACE", "Boolean", False),
        ("FIELD_OPTIONALLY_ENCLOSED_BY", "String", None), ("NULL_IF", "List", ("\\N",)),
        ("COMPRESSION", "String", "AUTO"), ("ERROR_ON_COLUMN_COUNT_MISMATCH", "Boolean", True),
        ("VALIDATE_UTF8", "Boolean", True), ("SKIP_BLANK_LINES", "Boolean", False),
        ("REPLACE_INVALID_CHARACTERS", "Boolean", False), ("EMPTY_FIELD_AS_NULL", "Boolean", True),
        ("SKIP_BYTE_ORDER_MARK", "Boolean", True), ("ENCODING", "String", "UTF8"),
    ),
    "JSON": (
        ("FILE_EXTENSION", "String", ""), *_MOMENTS, ("TRIM_SPACE", "Boolean", False), ("NULL_IF", "List", ()),
        ("COMPRESSION", "String", "AUTO"), ("ENABLE_OCTAL", "Boolean", False), ("ALLOW_DUPLICATE", "Boolean", False),
        ("STRIP_OUTER_ARRAY", "Boolean", False), ("STRIP_NULL_VALUES", "Boolean", False),
        ("IGNORE_UTF8_ERRORS", "Boolean", False), ("REPLACE_INVALID_CHARACTERS", "Boolean", False),
        ("SKIP_BYTE_ORDER_MARK", "Boolean", True),
    ),
    "PARQUET": (
        ("TRIM_SPACE", "Boolean", False), ("NULL_IF", "List", ()), ("COMPRESSION", "String", "SNAPPY"),
        ("BINARY_AS_TEXT", "Boolean", True),
    ),
}  # fmt: skip
_DEFAULTS: Final[Mapping[str, object]] = {"NULL_IF": ("\\N",), "COMPRESSION": "AUTO"}
"""What the page has as a default of every type, though a format of a type begins with another value."""


def properties(kind: str, options: Mapping[str, object]) -> Iterator[tuple[str, str, str, str]]:
    """property, property_type, property_value, property_default of a format of a type with these options."""
    yield "TYPE", "String", kind, "CSV"
    known = _PROPERTIES.get(kind, ())
    for name, sort, default in known:
        yield name, sort, _text(options.get(name, default), sort), _text(_DEFAULTS.get(name, default), sort)
    for name in sorted(options.keys() - {name for name, _, _ in known}):
        yield name, "String", _text(options[name], "String"), ""


def _text(value: object, sort: str) -> str:
    if sort == "List":
        listed = value if isinstance(value, list | tuple) else () if value is None else (value,)
        return f"[{', '.join(_escaped(str(each)) for each in listed)}]"
    if value is None:
        return "NONE"
    return str(value).upper() if isinstance(value, bool) else _escaped(str(value))


def _escaped(text: str) -> str:
    for written, shown in (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = text.replace(written, shown)
    return text
