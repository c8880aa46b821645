"""The README says what is true: its walkthroughs are typed at a terminal as they stand there, and compared."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from walkthrough import Shell, walk

from cleanroom_ml.cli.root import app
from cleanroom_ml.cli.table import entries

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text from a heading to the next one of its level or above."""
    match = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^#{{1,3}} |\Z)", README, re.DOTALL | re.MULTILINE)
    assert match, title
    return match[2]


def test_every_command_of_the_readme_exists() -> None:
    import typer.main

    words = {tuple(match.split()) for match in re.findall(r"(?:\$ |\(|`|&& )cleanroom-ml ([a-z]+(?: [a-z]+)?)", README)}
    root = typer.main.get_command(app)
    for first, *rest in words:
        assert first in entries(), first
        command = root.get_command(None, first)
        if rest and hasattr(command, "commands"):
            assert rest[0] in command.commands, (first, rest)


@pytest.mark.slow
@pytest.mark.sandbox
def test_the_walkthroughs_do_what_they_say(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    try:
        for title in ("Five minutes: both roles by hand", "The template provider", "The analysis runner"):
            walk(shell, section(title))
    finally:
        shell.run("cleanroom-ml engine stop")
