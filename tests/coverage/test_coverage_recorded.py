"""What `tests/tested_by.toml` records is held against what was executed.

The plugin that says whose a line is has no test here: without it nothing is anybody's, and `make coverage` complains of
every entry.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import recorded
import whose

SOURCE = '''"""Rules."""
LIMIT = 3

def limit(n):
    """At most so many."""
    return min(n, LIMIT)

KEY = lambda each: each.name
'''


def test_the_bodies_of_functions_are_lines_that_an_import_does_not_execute() -> None:
    assert {6, 8} <= recorded.bodies(SOURCE)
    assert not {1, 2, 4} & recorded.bodies(SOURCE)


@pytest.mark.parametrize(
    ("executed", "tests"),
    [
        ({2: ["a.py", "b.py"], 4: ["a.py"]}, set()),
        ({2: ["a.py"], 6: ["b.py", ""]}, {"b.py"}),
        ({6: [""]}, set()),
    ],
)
def test_a_module_is_executed_by_who_runs_a_function_of_it(
    executed: Mapping[int, Sequence[str]], tests: set[str]
) -> None:
    assert recorded.tests_of("rules.py", recorded.bodies(SOURCE), lambda _: executed) == tests


def test_a_record_that_is_not_so_is_complained_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "PACKAGE", tmp_path)
    for name, source in (("one.py", SOURCE), ("two.py", SOURCE), ("names.py", "LIMIT = 3\n")):
        (tmp_path / name).write_text(source, encoding="utf-8")
    ran: dict[str, Mapping[int, Sequence[str]]] = {"one.py": {6: ["a.py"]}, "two.py": {6: ["c.py"]}, "names.py": {}}
    by_entry = {"/": ["one.py", "two.py", "names.py"]}
    assert recorded.complaints({"/": ["a.py", "c.py"]}, by_entry, ran.__getitem__) == []
    assert recorded.complaints({"/": ["a.py", "b.py"]}, by_entry, ran.__getitem__) == [
        "two.py: none of a.py, b.py executes it; c.py does",
        "/: b.py executes nothing of it",
    ]


def test_a_process_is_its_parents_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whose, "NOW", tmp_path)
    assert whose.of_my_parents(os.getpid()) == ""
    whose.note("sql/test_sql_lexer.py")
    assert whose.of_my_parents(os.getpid()) == "sql/test_sql_lexer.py"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert whose.of_my_parents(child.pid) == "sql/test_sql_lexer.py"
        child.communicate(b"\n")
    assert whose.of_my_parents(1) == ""
