"""Categories and column types of a data offering, and the format that each type promises (docs/api-digest.md §2).

`SQL_CHECKS` holds one regular expression for each column type that a value, as text, must match as a whole. They use
only what Python's `re` and DuckDB's RE2 (`regexp_full_match`) read the same way. NULL is no value: it is not checked.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator

from cleanroom_ml.specs.base import one_of

CategoryName = Literal["join_standard", "join_custom", "timestamp", "passthrough", "event_type"]
ColumnTypeName = Literal[
    "email",
    "hashed_email_sha256",
    "hashed_email_b64_encoded",
    "phone",
    "hashed_phone_sha256",
    "hashed_phone_b64_encoded",
    "device_id",
    "hashed_device_id_sha256",
    "hashed_device_b64_encoded",
    "ip_address",
    "hashed_ip_address_sha256",
    "hashed_ip_address_b64_encoded",
    "first_name",
    "hashed_first_name_sha256",
    "hashed_first_name_b64_encoded",
    "last_name",
    "hashed_last_name_sha256",
    "hashed_last_name_b64_encoded",
]

CATEGORIES: tuple[str, ...] = get_args(CategoryName)
COLUMN_TYPES: tuple[str, ...] = get_args(ColumnTypeName)
JOIN_CATEGORIES = frozenset({"join_standard", "join_custom"})

Category = Annotated[CategoryName, BeforeValidator(one_of(CATEGORIES))]
ColumnType = Annotated[ColumnTypeName, BeforeValidator(one_of(COLUMN_TYPES))]

_OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_PERSON = r"[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]{0,253}[^\s\x00-\x1f\x7f])?"
_RAW = {
    "email": r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+",
    "phone": r"[0-9]{7,15}",
    "device_id": r"[A-Za-z0-9][A-Za-z0-9_.:\-]{0,254}",
    "ip_address": rf"{_OCTET}(\.{_OCTET}){{3}}",
    "first_name": _PERSON,
    "last_name": _PERSON,
}
_SHA256_HEX = r"[0-9a-fA-F]{64}"
# 32 bytes are 42 digits, one digit whose last two bits are zero, and one pad.
_SHA256_BASE64 = r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="


def _check_of(column_type: str) -> str:
    if column_type.endswith("_sha256"):
        return _SHA256_HEX
    if column_type.endswith("_b64_encoded"):
        return _SHA256_BASE64
    return _RAW[column_type]


SQL_CHECKS: dict[str, str] = {column_type: _check_of(column_type) for column_type in COLUMN_TYPES}


def forms_of(column_type: str) -> tuple[str, ...]:
    """The types for the same kind of thing: as it is, and its hash in hexadecimal and in base64."""
    subject = _subject(column_type)
    return tuple(each for each in COLUMN_TYPES if _subject(each) == subject)


def _subject(column_type: str) -> str:
    bare = column_type.removeprefix("hashed_").removesuffix("_sha256").removesuffix("_b64_encoded")
    return "device_id" if bare == "device" else bare
