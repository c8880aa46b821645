"""How scripts name stages and tables, as SQL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*\Z")
_PART: Final = r'(?:"(?:[^"]|"")+"|[^"./\s]+)'
_QUALIFIED: Final = re.compile(rf"{_PART}(?:\.{_PART}){{0,2}}")
_EACH_PART: Final = re.compile(_PART)
_NOT_IN_A_PATH: Final = re.compile(r"['\\\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class StagePath:
    """A place in a stage: `stage` is the stage's name as SQL, `path` what follows its slash, a prefix of file names."""

    stage: str
    path: str

    def __str__(self) -> str:
        return f"@{self.stage}/{self.path}"

    @property
    def sql(self) -> str:
        """As LIST and GET take it."""
        return f"'{self}'"


def identifier(name: str) -> str:
    """One part of a name as SQL: as it is where it is plain (then its case does not matter) or quoted, else quoted."""
    if _PLAIN.match(name) or re.fullmatch(r'"(?:[^"]|"")+"', name):
        return name
    if not name or "\0" in name:
        raise ValueError(f"{name!r} is no name")
    return quoted(name)


def quoted(name: str) -> str:
    """A name as SQL, its case kept."""
    return '"' + name.replace('"', '""') + '"'


def stage_path(location: str, database: str | None = None, schema: str | None = None) -> StagePath:
    """`@stage/path` of a script, whose `@` may be missing, in this database and schema (the session's where None).

    A name that has its database and schema in it already keeps them.

    Raises:
        ValueError: there is no stage in it, or nothing that a stage stores has such a path.
    """
    text = location.strip().removeprefix("@")
    found = _QUALIFIED.match(text)
    name, rest = (found[0], text[found.end() :]) if found else ("", text)
    if not name or (rest and not rest.startswith("/")) or _NOT_IN_A_PATH.search(rest):
        raise ValueError(f"stage_location={location!r} names no stage; write @STAGE_NAME/path or @DB.SCHEMA.STAGE/path")
    return StagePath(".".join(_qualified(name, database, schema)), rest.removeprefix("/"))


def table_name(name: str, database: str | None = None, schema: str | None = None) -> tuple[str, ...]:
    """The parts of a table's name as SQL: as many as the script gave, the session's database and schema for the rest.

    Raises:
        ValueError: it is no name, or a database is given and no schema.
    """
    text = name.strip()
    if not _QUALIFIED.fullmatch(text):
        raise ValueError(f"table_name={name!r} is no name of a table; write TABLE_NAME or SCHEMA.TABLE_NAME")
    return _qualified(text, database, schema)


def _qualified(name: str, database: str | None, schema: str | None) -> tuple[str, ...]:
    parts = tuple(identifier(part) for part in _EACH_PART.findall(name))
    if len(parts) > 1 or (database is None and schema is None):
        return parts
    if schema is None:
        raise ValueError(f"{name}: database={database!r} is given without a schema")
    return (*((identifier(database),) if database else ()), identifier(schema), *parts)
