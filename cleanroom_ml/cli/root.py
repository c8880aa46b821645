"""The first level of the command line: sections from the table, modules imported when their command is called."""

from __future__ import annotations

import os
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from cleanroom_ml import __version__
from cleanroom_ml.cli.table import COMMANDS, entries

if TYPE_CHECKING:  # the parser is a part of typer
    from typer._click import Command, Context, HelpFormatter

COMPLETE_VARIABLE = "_CLEANROOM_ML_COMPLETE"

FIRST_STEPS = """\
cleanroom-ml runs machine-learning jobs on data that several parties combine without showing it to each other.

  cleanroom-ml demo                      see two parties do it on this machine, with real data
  cleanroom-ml doctor                    check what this machine can do
  cleanroom-ml init --from lookalike     a sample project to start from
  cleanroom-ml init mine                 a project of your own
  cleanroom-ml --help                    every command
"""


class Root(TyperGroup):
    """`cleanroom-ml`: knows the names and one-line helps of its commands without importing them."""

    def list_commands(self, ctx: Context) -> list[str]:
        return list(entries())

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        entry = entries().get(cmd_name)
        if entry is None:
            return None
        import typer.main

        command = typer.main.get_command(import_module(f"cleanroom_ml.cli.commands.{entry.module}").app)
        command.name = cmd_name
        command.short_help = entry.help
        return command

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in entries():
            near = get_close_matches(args[0], entries(), n=1)
            hint = f"Did you mean '{near[0]}'?" if near else "`cleanroom-ml --help` lists the commands."
            ctx.fail(f"There is no command '{args[0]}'. {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        for title, group in COMMANDS.items():
            with formatter.section(title):
                formatter.write_dl([(entry.name, entry.help) for entry in group])


app = typer.Typer(
    cls=Root,
    name="cleanroom-ml",
    help="Machine-learning jobs on data that several parties combine without showing it to each other.",
    epilog="Start with: cleanroom-ml demo",
    rich_markup_mode=None,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"cleanroom-ml {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(FIRST_STEPS, nl=False)


def invoke(arguments: Sequence[str] | None) -> Any:
    """Parse and run, or complete; returns what the command returned, or an exit code. Any: as the parser has it."""
    if COMPLETE_VARIABLE in os.environ:
        # Without it the parser knows no shell; `add_completion` would do it, and add two options to the root.
        from typer._completion_classes import completion_init

        completion_init()
    return typer.main.get_command(app).main(args=arguments, prog_name="cleanroom-ml", standalone_mode=False)
