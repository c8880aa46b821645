"""The table of commands: every entry is real, has a line of help and an example, and its help is the golden one.

The help of every command is in `golden/help.txt`. After a change that is meant, write it anew with

    CLEANROOM_ML_WRITE_GOLDEN=1 .venv/bin/pytest tests/cli/test_cli_commands.py

and read its diff.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer.main

from cleanroom_ml.cli.command import command, group
from cleanroom_ml.cli.output import Output
from cleanroom_ml.cli.root import app
from cleanroom_ml.cli.table import COMMANDS, entries

GOLDEN = Path(__file__).with_name("golden") / "help.txt"
WRITE = bool(os.environ.get("CLEANROOM_ML_WRITE_GOLDEN"))


def commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command of the tree with its words, the root and the nouns too."""
    root = typer.main.get_command(app)
    yield (), root
    for name in entries():
        top = root.get_command(None, name)
        yield (name,), top
        for verb, leaf in getattr(top, "commands", {}).items():
            yield (name, verb), leaf


TREE = dict(commands())
LEAVES = {words: command for words, command in TREE.items() if words and not hasattr(command, "commands")}


def test_no_name_is_there_twice() -> None:
    assert len(entries()) == sum(len(group) for group in COMMANDS.values())


@pytest.mark.parametrize("name", entries())
def test_every_entry_can_be_imported_and_helps_in_one_line(name: str) -> None:
    entry = entries()[name]
    assert isinstance(import_module(f"cleanroom_ml.cli.commands.{entry.module}").app, typer.Typer)
    assert entry.help
    assert "\n" not in entry.help
    assert len(entry.help) <= 75
    assert entry.help.endswith(".")


def test_no_module_of_commands_is_missing_from_the_table() -> None:
    package = Path(import_module("cleanroom_ml.cli.commands").__file__ or "").parent
    assert {path.stem for path in package.glob("[!_]*.py")} == {entry.module for entry in entries().values()}


def test_a_noun_with_a_single_verb_keeps_it() -> None:
    noun = group("Things.")

    @command(noun, "list", example="things list")
    def list_() -> Output:
        """All of them."""
        return Output([])

    assert set(typer.main.get_command(noun).commands) == {"list"}  # type: ignore[attr-defined]


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_every_command_has_a_line_of_help_and_an_example(words: tuple[str, ...]) -> None:
    command = LEAVES[words]
    assert command.help
    assert command.help.endswith(".")
    assert "\n" not in command.help
    assert command.epilog.startswith("Example: ")
    assert f"cleanroom-ml {' '.join(words)}" in command.epilog


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_every_command_has_the_shared_options(words: tuple[str, ...]) -> None:
    flags = {flag for parameter in LEAVES[words].params for flag in parameter.opts}
    assert {"--connection", "-c", "--temporary-connection", "-x", "--format", "--debug"} <= flags


def test_the_help_of_every_command_is_the_golden_one(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    found = ""
    for words in TREE:
        ran = cli(*words, "--help")
        assert (ran.code, ran.err) == (0, "")
        found += f"$ {' '.join(('cleanroom-ml', *words))} --help\n{ran.out.rstrip()}\n\n"
    if WRITE:
        GOLDEN.write_text(found, encoding="utf-8")
    assert found == GOLDEN.read_text(encoding="utf-8")


def test_alone_it_says_what_to_type_first(cli) -> None:
    ran = cli()
    assert ran.code == 0
    assert "cleanroom-ml demo" in ran.out
    assert len(ran.out.splitlines()) < 10


def test_version(cli) -> None:
    assert cli("--version").out.startswith("cleanroom-ml ")
