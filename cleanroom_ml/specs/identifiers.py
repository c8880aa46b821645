"""The names that specs use, as types that check themselves (docs/api-digest.md §2).

An identifier starts with a letter or an underscore and goes on with letters, digits and underscores, or is anything
printable in double quotes. Unquoted ones are case-insensitive. Lengths count the name, not the quotes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Annotated

from pydantic import BeforeValidator

from cleanroom_ml.naming import fold, split_name
from cleanroom_ml.specs.base import Finding, as_text, repeated, violation
from cleanroom_ml.specs.problems import displayed

_BARE = r"[A-Za-z_][A-Za-z0-9_]*"
_QUOTED = r'"(?:[^"]|"")+"'
_IDENTIFIER = re.compile(rf"(?:{_BARE}|{_QUOTED})\Z")
_VERSION = re.compile(r"[A-Za-z0-9_]+\Z")
_SPEC_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,74}_[A-Za-z0-9_]{1,20}\Z")
_CODE_SPEC_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,74}_[A-Za-z0-9_]{1,20}\Z")
_ACCOUNT = re.compile(rf"{_BARE}\.{_BARE}\Z")

_LETTERS = "letters, digits and underscores, not starting with a digit; or any name in double quotes"

NAME_MAX = 75
VERSION_MAX = 20
ALIAS_MAX = 25
LONG_NAME_MAX = 255
TABLE_NAME_MAX = 773


def identifier(maximum: int) -> Callable[[object], str]:
    """A check for one identifier of at most `maximum` characters; the text is kept as written."""

    def check(value: object) -> str:
        text = as_text(value)
        if not _IDENTIFIER.match(text):
            raise violation(f"{displayed(text)} is not an identifier", _LETTERS)
        if not all(char.isprintable() for char in text):
            raise violation(f"{displayed(text)} holds characters that cannot be seen", _LETTERS)
        length = len(fold(text))
        if length > maximum:
            raise violation(f"has {length} characters", f"at most {maximum} characters")
        return text

    return check


def _version(value: object) -> str:
    text = as_text(value)
    if not _VERSION.match(text):
        raise violation(f"{displayed(text)} is not a version", "letters, digits and underscores, such as V1")
    if len(text) > VERSION_MAX:
        raise violation(f"has {len(text)} characters", f"at most {VERSION_MAX} characters")
    return text


def _pattern(pattern: re.Pattern[str], noun: str, allowed: str) -> Callable[[object], str]:
    def check(value: object) -> str:
        text = as_text(value)
        if not pattern.match(text):
            raise violation(f"{displayed(text)} is not {noun}", allowed)
        return text

    return check


def is_spec_id(text: str) -> bool:
    """Whether a text is the id of something registered, as specs name it."""
    try:
        _spec_id(text)
    except ValueError:
        return False
    return True


def is_alias(text: str) -> bool:
    """Whether a text is the alias of a collaborator, as specs name one."""
    try:
        identifier(ALIAS_MAX)(text)
    except ValueError:
        return False
    return True


def _spec_id(value: object) -> str:
    text = as_text(value)
    if text.startswith('"'):
        return identifier(NAME_MAX + 1 + VERSION_MAX)(text)
    return _pattern(_SPEC_ID, "an id", "<name>_<version>, such as train_V1")(text)


def _dotted(parts: int, maximum: int, allowed: str) -> Callable[[object], str]:
    def check(value: object) -> str:
        text = as_text(value)
        if len(text) > maximum:
            raise violation(f"has {len(text)} characters", f"at most {maximum} characters")
        try:
            found = len(split_name(text))
        except ValueError:
            found = 0
        if found != parts or not text.isprintable():
            raise violation(f"{displayed(text)} is not a name of {parts} parts", allowed)
        return text

    return check


def spec_id(name: str, version: str) -> str:
    """The id of what is registered: `{name}_{version}`; a quoted name gives a quoted id."""
    if name.startswith('"'):
        return f'{name[:-1]}_{version}"'
    return f"{name}_{version}"


def same(left: str, right: str) -> bool:
    """Whether two identifiers (dotted or not) name the same thing; what is no identifier names nothing."""
    try:
        return split_name(left) == split_name(right)
    except ValueError:
        return False


def duplicates(names: Iterable[str], where: str, key: str) -> list[Finding]:
    """A finding for every identifier in the list `where` whose `key` an earlier item has, whatever its case."""
    listed = list(names)
    return [
        Finding(
            (where, index, key),
            f"{displayed(listed[index])} is used twice (names are case-insensitive)",
            "unique names",
        )
        for index in repeated(fold(name) for name in listed)
    ]


Name = Annotated[str, BeforeValidator(identifier(NAME_MAX))]
LongName = Annotated[str, BeforeValidator(identifier(LONG_NAME_MAX))]
Alias = Annotated[str, BeforeValidator(identifier(ALIAS_MAX))]
Version = Annotated[str, BeforeValidator(_version)]
SpecId = Annotated[str, BeforeValidator(_spec_id)]
CodeSpecId = Annotated[
    str,
    BeforeValidator(
        _pattern(_CODE_SPEC_ID, "the id of a code spec", "<name>_<version>, starting with a letter, such as model_V1")
    ),
]
Account = Annotated[
    str, BeforeValidator(_pattern(_ACCOUNT, "an account's data-sharing identifier", "ORGANIZATION.ACCOUNT"))
]
TableName = Annotated[str, BeforeValidator(_dotted(3, TABLE_NAME_MAX, "database.schema.table"))]
PolicyName = Annotated[str, BeforeValidator(_dotted(3, TABLE_NAME_MAX, "database.schema.policy"))]
ViewName = Annotated[
    str,
    BeforeValidator(
        _dotted(3, TABLE_NAME_MAX, "<alias>.<data offering id>.<dataset alias>, as VIEW_DATA_OFFERINGS shows it")
    ),
]
