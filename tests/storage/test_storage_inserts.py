"""Every INSERT names its columns: one that goes by their order writes into others once a table has one more."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import cleanroom_ml.engine
from cleanroom_ml.engine.jobs import store as jobs
from cleanroom_ml.engine.rooms import schema as rooms
from cleanroom_ml.engine.storage.storage import SCHEMAS

ENGINE = Path(cleanroom_ml.engine.__file__).parent
POSITIONAL = re.compile(r"\bINTO\s+\S+\s+(?:VALUES|SELECT)\b")


def texts(source: str) -> Iterator[tuple[int, str]]:
    """The texts of some code; what is put into one is cut out."""
    tree = ast.parse(source)
    parts = {id(each) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for each in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield (
                node.lineno,
                "".join(str(each.value) if isinstance(each, ast.Constant) else "…" for each in node.values),
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node.lineno, node.value


def positional(source: str) -> list[int]:
    """Lines of INSERTs without the names of columns."""
    return [line for line, text in texts(source) if "INSERT" in text and POSITIONAL.search(text)]


def test_every_insert_names_its_columns() -> None:
    """But for those that make or bring a table to one version, which know that very one."""
    schemas = (*SCHEMAS, rooms.SCHEMA, jobs.SCHEMA)
    each = [text for schema in schemas for made in (schema.statements, *schema.upgrades.values()) for text in made]
    known = {text.strip()[:40] for text in each}
    found = []
    for path in sorted(ENGINE.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if "INSERT" in source:
            lines = dict(texts(source))
            found += [
                f"{path.relative_to(ENGINE)}:{line}"
                for line in positional(source)
                if not any(lines[line].strip().startswith(start.split("…")[0]) for start in known)
            ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ('run("INSERT INTO roles VALUES (?, ?)")', [1]),
        ('run(f"INSERT OR IGNORE INTO {relation}"\n    " SELECT * FROM roles")', [1]),
        ('run("INSERT INTO roles (account, name) VALUES (?, ?)")', []),
        ('raise Wrong("this INSERT goes INTO a view: VALUES")', []),
    ],
)
def test_an_insert_by_order_is_noticed(source: str, lines: list[int]) -> None:
    assert positional(source) == lines
