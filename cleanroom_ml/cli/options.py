"""Options that several commands have, each written once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cleanroom_ml.errors import UsageError


# Any, as typer itself has it: the options are of many types, and what comes back stands for a default of any.
def optional_argument(**options: Any) -> Any:
    """An argument that may be left out; its help says what it is then."""
    return typer.Argument(show_default=False, **options)


def optional_option(*names: str, **options: Any) -> Any:
    """An option whose help says what holds without it."""
    return typer.Option(*names, show_default=False, **options)


Collaboration = Annotated[
    str | None,
    typer.Option("--collaboration", metavar="NAME", help="Default: the project's.", show_default=False),
]
Registry = Annotated[
    str | None,
    typer.Option("--registry", metavar="NAME", help="A custom registry, instead.", show_default=False),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; needed without a terminal.")]
Arguments = Annotated[
    list[str] | None,
    typer.Option("--arg", metavar="KEY=VALUE", help="A template parameter; JSON where it parses.", show_default=False),
]
Tables = Annotated[
    list[str] | None,
    typer.Option("--table", metavar="VIEW", help="A shared table; instead of the project's.", show_default=False),
]
Timeout = Annotated[
    float | None, typer.Option("--timeout", metavar="SECONDS", help="How long to wait.", show_default=False)
]

AllowSecrets = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-secret",
        metavar="FILE",
        help="A file of the code that looks like a secret and is meant; repeatable.",
        show_default=False,
    ),
]


def parse_arguments(pairs: list[str] | None) -> dict[str, object]:
    """`key=value` pairs; a value that is JSON is that value, any other (NaN too, which JSON does not know) is text.

    Raises:
        UsageError: a pair without `=`.
    """
    import json

    arguments: dict[str, object] = {}
    for pair in pairs or ():
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"not KEY=VALUE: {pair!r}", fix="--arg audience_size=400")
        try:
            parsed = json.loads(value)
            json.dumps(parsed, allow_nan=False)
        except (ValueError, RecursionError):
            parsed = value
        arguments[key] = parsed
    return arguments


def inside(directory: Path | None, files: list[str] | None) -> tuple[str, ...]:
    """Files of a directory as paths in it, whether they were typed from there or from here (`code/.env`, `.env`)."""
    if directory is None:
        return tuple(files or ())
    found = []
    for file in files or ():
        here, place = Path(file).absolute(), directory.absolute()
        typed_from_here = here.is_relative_to(place) and not (directory / file).exists()
        found.append(here.relative_to(place).as_posix() if typed_from_here else Path(file).as_posix())
    return tuple(found)
