"""Functions and procedures that a party writes, as values: what CREATE FUNCTION and CREATE PROCEDURE declare.

Source: sql-reference/sql/create-function and sql-reference/sql/create-procedure.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, runtime_checkable

from cleanroom_ml.engine.sql.catalog import Catalog, Columns
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.types.sql_type import SqlType, parse_type
from cleanroom_ml.json_values import Document

MAX_ARGUMENTS: Final = 500
MAX_BODY: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument as declared; `default` is an SQL expression as written."""

    name: str
    type: SqlType
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """A staged file that a routine imports, as it was when the routine was made: its name, and the object it is."""

    name: str
    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Routine:
    """A function or a procedure.

    Args:
        returns: the type of its value; None: it gives rows of `columns`.
        handler: of Python: what is called in `body`, or in what is imported.
        strict: RETURNS NULL ON NULL INPUT.
        aggregate: CREATE AGGREGATE FUNCTION.
        as_caller: of a procedure: EXECUTE AS CALLER.
    """

    name: str
    parameters: tuple[Parameter, ...]
    returns: SqlType | None
    columns: Columns = ()
    language: str = "SQL"
    body: str = ""
    handler: str | None = None
    runtime: str | None = None
    packages: tuple[str, ...] = ()
    imports: tuple[Imported, ...] = ()
    strict: bool = False
    aggregate: bool = False
    immutable: bool = False
    memoizable: bool = False
    secure: bool = False
    as_caller: bool = False
    comment: str = ""

    @property
    def types(self) -> tuple[str, ...]:
        """The names of its arguments' types: with its name they are what it is told from others by."""
        return tuple(each.type.name for each in self.parameters)

    def hides_source(self, kind: str) -> bool:
        """Whether what it is made of is its owner's alone to know: a secure one's, and that of a PROCEDURE with its
        owner's rights (developer-guide/stored-procedure/stored-procedures-rights).
        """
        return self.secure or (kind == "PROCEDURE" and not self.as_caller)

    @property
    def fewest(self) -> int:
        """How many arguments it needs."""
        return sum(each.default is None for each in self.parameters)

    @property
    def returned(self) -> str:
        """What RETURNS says, as DESCRIBE shows it."""
        if self.returns is not None:
            return str(self.returns)
        return f"TABLE ({', '.join(f'{name} {found}' for name, found in self.columns)})"

    def to_json(self) -> dict[str, object]:
        """A JSON-able form."""
        return {
            "name": self.name,
            "parameters": [[each.name, str(each.type), each.default] for each in self.parameters],
            "returns": None if self.returns is None else str(self.returns),
            "columns": [[name, str(found)] for name, found in self.columns],
            "language": self.language,
            "body": self.body,
            "handler": self.handler,
            "runtime": self.runtime,
            "packages": list(self.packages),
            "imports": [[each.name, each.path, each.sha256] for each in self.imports],
            **{flag: getattr(self, flag) for flag in _FLAGS},
            "comment": self.comment,
        }

    @classmethod
    def from_json(cls, value: Document) -> Routine:
        """The inverse of `to_json`."""
        return cls(
            name=value["name"],
            parameters=tuple(Parameter(name, parse_type(kind), default) for name, kind, default in value["parameters"]),
            returns=None if value["returns"] is None else parse_type(value["returns"]),
            columns=tuple((name, parse_type(kind)) for name, kind in value["columns"]),
            language=value["language"],
            body=value["body"],
            handler=value["handler"],
            runtime=value["runtime"],
            packages=tuple(value["packages"]),
            imports=tuple(Imported(*each) for each in value["imports"]),
            comment=value["comment"],
            **{flag: bool(value[flag]) for flag in _FLAGS},
        )


_FLAGS: Final = ("strict", "aggregate", "immutable", "memoizable", "secure", "as_caller")


def called_as(token: str, number: int) -> str:
    """What a statement calls its n-th function in Python: a worker may have served another statement before."""
    return f"_udf_{token[:8]}_{number}"


def with_types(name: str, types: Iterable[str]) -> str:
    """What one of several routines of a name is called: `AREA(FLOAT)`, `DISTANCE(NUMBER, NUMBER)`."""
    return f"{name}({', '.join(types)})"


class Distance(enum.IntEnum):
    """Whose a function is, seen from the text that calls it: a text that somebody wrote (a view's, a function's) means
    its writer's own functions first, then those that were there when it was written.
    """

    OWN = 0
    OLDER = 1
    NEWER = 2

    @classmethod
    def of(cls, owner: str, writer: str, named_on: datetime, made: datetime | None) -> Distance:
        """The one rule of every text that is kept and runs with somebody's rights: a view's, a function's, a
        procedure's, here and in clean rooms.

        Args:
            owner: the role whose the function (or procedure) is that would be called.
            writer: the role with whose rights the text runs.
            named_on: since when the function has had its name: before that, nobody can have meant it.
            made: when the text was written; None: nobody's text, a statement that is sent now.
        """
        if made is None or owner == writer:
            return cls.OWN
        return cls.NEWER if named_on > made else cls.OLDER


def refuse_several_newer(nearest: Distance, owners: Collection[str], shown: str) -> None:
    """Raises SqlError: the nearest are all newer than what calls them, and of several owners: which one is meant can be
    said by nobody but the writer.
    """
    if nearest is Distance.NEWER and len(owners) > 1:
        raise SqlError.syntax(f"{shown} of several owners, all newer than what calls them: make that anew.")


@dataclass(frozen=True, slots=True)
class UserFunction:
    """A function as the catalog gives it to a statement that calls it.

    Args:
        catalog: the names that its text means: its definer's.
        owner: whose code it is. Functions of two owners never share a process.
        partitioned: it is called with all rows of a partition at once, and says of each row which it is of.
        silent: what its code says of an error is not for whoever calls it: only which error, and where.
        distance: nearer ones are called before others, whose arguments may fit better.
    """

    routine: Routine
    catalog: Catalog
    owner: str = ""
    silent: bool = False
    partitioned: bool = False
    distance: Distance = Distance.OWN


@runtime_checkable
class FunctionCatalog(Protocol):
    """A catalog in which there are functions that a party wrote. One that does not implement it has none."""

    def functions(self, parts: tuple[str, ...]) -> Sequence[UserFunction]:
        """All functions of a name; none where there is no such thing, or not for this session."""


@runtime_checkable
class ProcedureCatalog(Protocol):
    """A catalog in which there are procedures that a party wrote: a room's. One that does not implement it has none."""

    def procedure(self, parts: tuple[str, ...]) -> Routine | None:
        """The procedure of a name; None: there is none, or not for this session."""
