"""docs/targets.md says what the commands declare, and they declare what they send (the golden file of their SQL)."""

from __future__ import annotations

import re
from pathlib import Path

import typer.main

from cleanroom_ml.cli.needs import Where
from cleanroom_ml.cli.root import app
from cleanroom_ml.cli.table import NEEDS, entries
from cleanroom_ml.cli.targets_page import targets_page

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "end_to_end" / "golden" / "statements.sql"
CALL = re.compile(r"^CALL (\w+)\.(\w+\.(?!VIEW_|GET_)\w+)\(", re.MULTILINE)


def commands() -> set[str]:
    root = typer.main.get_command(app)
    found = set()
    for name in entries():
        top = root.get_command(None, name)  # type: ignore[attr-defined]
        found |= {f"{name} {verb}" for verb in getattr(top, "commands", {})} or {name}
    return found


def sent() -> dict[str, set[tuple[str, str]]]:
    """By command: the procedures that do something, with their database."""
    found: dict[str, set[tuple[str, str]]] = {}
    for block in re.split(r"^(?=-- \w+/: cleanroom-ml )", GOLDEN.read_text(encoding="utf-8"), flags=re.MULTILINE):
        head = re.match(r"-- \w+/: cleanroom-ml (\S+) ?(\S*)", block)
        if head:
            words = f"{head[1]} {head[2]}" if f"{head[1]} {head[2]}" in NEEDS else head[1]
            words = words if words in NEEDS else f"{words} list"  # said without its verb
            found.setdefault(words, set()).update((match[1], match[2]) for match in CALL.finditer(block))
    return found


def test_the_page_is_current() -> None:
    assert (ROOT / "docs" / "targets.md").read_text(encoding="utf-8") == targets_page(), "make docs"


def test_every_command_declares_what_it_needs() -> None:
    assert NEEDS.keys() == commands()


def test_a_command_calls_no_procedure_that_it_does_not_declare() -> None:
    found = sent()
    assert len(found) > 30
    for words, procedures in found.items():
        need = NEEDS[words]
        documented = {name for database, name in procedures if database != "CLEANROOM_ML"}
        own = {name for database, name in procedures if database == "CLEANROOM_ML"}
        assert documented <= set(need.calls), words
        assert own <= set(need.own), words


def test_what_only_some_targets_have_says_what_happens_without() -> None:
    for words, need in NEEDS.items():
        assert bool(need.own) <= bool(need.without), words
        if need.where in (Where.MACHINE, Where.FILES):
            assert need.calls == need.own == (), words
