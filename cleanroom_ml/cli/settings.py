"""The options that every command has: which connection, which format, how much to tell."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import wraps
from typing import Annotated, TypeVar

import typer

Command = TypeVar("Command", bound=Callable[..., object])


class Format(StrEnum):
    table = "table"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"


@dataclass(slots=True)
class Settings:
    """What the shared options said; one for a process."""

    connection: str | None = None
    temporary_connection: bool = False
    role: str | None = None
    warehouse: str | None = None
    format: str = Format.table.value
    debug: bool = False
    typed: tuple[str, ...] = ()
    """The command line, without the program's name."""

    @property
    def machine_readable(self) -> bool:
        return self.format != Format.table.value


# One command a process: the settings outlive the parser's context, since the result is rendered after it has ended.
_current = Settings()

_ConnectionOption = Annotated[
    str | None, typer.Option("-c", "--connection", metavar="NAME", help="The connection to use.", show_default=False)
]
_TemporaryOption = Annotated[
    bool, typer.Option("-x", "--temporary-connection", help="Take everything from SNOWFLAKE_<KEY> variables.")
]
_RoleOption = Annotated[
    str | None,
    typer.Option("--role", metavar="ROLE", help="The role; instead of the connection's.", show_default=False),
]
_WarehouseOption = Annotated[
    str | None,
    typer.Option("--warehouse", metavar="NAME", help="The warehouse; instead of the connection's.", show_default=False),
]
_FormatOption = Annotated[
    Format, typer.Option("--format", envvar="CLEANROOM_ML_FORMAT", help="How data goes to standard output.")
]
_DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]

_SHARED = (
    inspect.Parameter("connection", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_ConnectionOption),
    inspect.Parameter(
        "temporary_connection", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=_TemporaryOption
    ),
    inspect.Parameter("role", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_RoleOption),
    inspect.Parameter("warehouse", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_WarehouseOption),
    inspect.Parameter("format", inspect.Parameter.KEYWORD_ONLY, default=Format.table, annotation=_FormatOption),
    inspect.Parameter("debug", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=_DebugOption),
)


def settings() -> Settings:
    """The settings of the command that is running."""
    return _current


def reset() -> None:
    """Forget what an earlier command of the same process said (tests run several)."""
    fresh = Settings()
    for field in fields(Settings):
        setattr(_current, field.name, getattr(fresh, field.name))


def with_shared_options(function: Command) -> Command:
    """The function as a command with the shared options; it does not see them, `settings()` has them.

    A shared option gives way to the command's own of the same name, which means something else: `run --warehouse`.
    """
    own = inspect.signature(function, eval_str=True)
    shared = tuple(parameter for parameter in _SHARED if parameter.name not in own.parameters)

    @wraps(function)
    def wrapper(**arguments: object) -> object:
        for parameter in shared:
            setattr(_current, parameter.name, arguments.pop(parameter.name))
        _current.format = str(_current.format)
        return function(**arguments)

    parameters = [
        *(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own.parameters.values()),
        *shared,
    ]
    wrapper.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapper  # type: ignore[return-value]
