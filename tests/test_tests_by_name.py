"""Whoever changes a module finds its test: by its name, because the test imports it, or in tests/tested_by.toml."""

from __future__ import annotations

import ast
import tomllib
from functools import cache
from pathlib import Path

import pytest
from test_import_rules import FILES, ROOT, is_module, module_of

TESTS = Path(__file__).parent
RECORD: dict[str, list[str]] = tomllib.loads((TESTS / "tested_by.toml").read_text(encoding="utf-8"))
MOST_BY_RECORD = 343
"""Modules whose tests are only in the record. A new module gets a test of its name: this number does not grow."""


def room_of(module: str) -> str:
    """`engine/sql/lex/split.py` → `sql`, as its tests' directory is called."""
    parts = module.split("/")
    return parts[1] if parts[0] == "engine" else parts[0]


def has_its_name(module: str, test: str) -> bool:
    """`tests/<room>/test_<room>_<module>[_<subject>].py`; a name of one thing may stand for one of many."""
    stem, room = module.split("/")[-1].removesuffix(".py"), room_of(module)
    name = test.split("/")[-1].removesuffix(".py").removeprefix("test_")
    name = name.removeprefix(f"{room}_").removeprefix(f"{room.removesuffix('s')}_")
    stems = {stem, stem.removesuffix("s"), f"{stem}s"}
    return test.split("/")[0] == room and any(name == each or name.startswith(f"{each}_") for each in stems)


def imported_by(path: Path) -> set[str]:
    """The modules of ours that a test, or what it shares with others, imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            wholes = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {
                whole if is_module(whole) else node.module for whole in wholes if whole.startswith("cleanroom_ml")
            }
    return found


def entry_of(module: str) -> str | None:
    """The closest entry of the record."""
    folders = ["/".join(module.split("/")[:end]) + "/" for end in range(module.count("/"), 0, -1)]
    return next((each for each in (module, *folders) if each in RECORD), None)


MODULES = [
    str(path.relative_to(ROOT))
    for path in FILES
    if "sample_projects" not in path.parts and path.name not in ("__init__.py", "__main__.py")
]
FOUND = [str(path.relative_to(TESTS)) for path in sorted(TESTS.rglob("test_*.py"))]


@cache
def by_record() -> list[str]:
    """The modules that neither a name nor an import leads to."""
    imported = {name for path in TESTS.rglob("*.py") for name in imported_by(path)}
    return [
        module
        for module in MODULES
        if module_of(ROOT / module) not in imported and not any(has_its_name(module, test) for test in FOUND)
    ]


def test_each_module_has_a_test_that_is_found() -> None:
    assert [module for module in by_record() if entry_of(module) is None] == [], (
        "name the test, or tests/tested_by.toml"
    )
    assert len(by_record()) <= MOST_BY_RECORD


def test_the_record_says_nothing_that_is_not_so() -> None:
    needed = {entry_of(module) for module in by_record()}
    assert set(RECORD) - needed == set(), "these have tests of their names now"
    for entry, tests in RECORD.items():
        assert (ROOT / entry).exists(), entry
        assert tests, entry
        assert set(tests) - set(FOUND) == set(), entry


@pytest.mark.parametrize(
    ("module", "test", "found"),
    [
        ("engine/storage/tables.py", "storage/test_storage_tables.py", True),
        ("engine/sql/lex/lexer.py", "sql/test_sql_lexer_bounds.py", True),
        ("specs/rules.py", "specs/test_spec_rules.py", True),
        ("engine/rooms/policies.py", "rooms/test_rooms_policies_renamed.py", True),
        ("engine/rooms/policies.py", "sandbox/test_sandbox_policies.py", False),
        ("engine/rooms/run.py", "rooms/test_rooms_running.py", False),
    ],
)
def test_what_a_tests_name_says(module: str, test: str, found: bool) -> None:
    assert has_its_name(module, test) is found
    assert entry_of("engine/sql/lex/split.py") == "engine/sql/lex/"
    assert entry_of("nowhere/module.py") is None
