"""How a command is declared: one function, a first line of help, an example."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import typer

from cleanroom_ml.cli.settings import with_shared_options

Function = TypeVar("Function", bound=Callable[..., object])


def group(help_: str) -> typer.Typer:
    """A noun with verbs."""
    app = typer.Typer(help=help_, no_args_is_help=True, rich_markup_mode=None, add_completion=False)
    # Without one, Typer makes a noun that has a single verb a command without verbs.
    app.callback()(lambda: None)
    return app


def single() -> typer.Typer:
    """A command of one word."""
    return typer.Typer(rich_markup_mode=None, add_completion=False)


def command(app: typer.Typer, name: str | None = None, *, example: str) -> Callable[[Function], Function]:
    """Add a function to `app`: it gets the shared options, and `example` below its help."""

    def add(function: Function) -> Function:
        app.command(name, epilog=f"Example: {example}")(with_shared_options(function))
        return function

    return add
