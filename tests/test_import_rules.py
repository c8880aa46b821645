"""Who may import whom (docs/ARCHITECTURE.md, "The rooms"), and what may be imported before it is needed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "cleanroom_ml"

# Every room may import itself and what belongs to nobody.
SHARED = {"errors", "naming", "template_names", "", "engine/contracts"}

ALLOWED = {
    "cli": {"services", "local"},
    "services": {"connection", "specs", "artifacts", "evidence"},
    "connection": {"specs"},
    # `local` proves the engine's identity before it talks to it, as every connection does.
    "local": {"services", "engine", "connection"},
    "specs": set(),
    "artifacts": set(),
    "evidence": {"artifacts"},
    "runtime": set(),
    "engine/contracts": set(),
    "engine/protocol": {"engine/sql"},
    "engine/sql": set(),
    "engine/storage": {"artifacts"},
    "engine/warehouse": {"engine/sql", "engine/sandbox"},
    "engine/statements": {"engine/sql", "engine/storage", "engine/warehouse"},
    "engine/rooms": {"specs", "artifacts", "evidence", "engine/storage", "engine/sql", "engine/sandbox"},
    "engine/jobs": {"artifacts", "evidence", "engine/storage", "engine/sandbox"},
    "engine/sandbox": set(),
}

# `snowflake` itself is a namespace that an installed .pth file makes at every start.
HEAVY = (
    "snowflake.connector",
    "snowflake.snowpark",
    "pandas",
    "numpy",
    "duckdb",
    "pyarrow",
    "torch",
    "sqlglot",
    "starlette",
    "uvicorn",
    "rich",
)


def room_of(module: str) -> str:
    """`cleanroom_ml.engine.sql.parse` → `engine/sql`; files directly in engine/ → `engine`."""
    parts = module.split(".")[1:]
    if not parts:
        return ""
    if parts[0] == "engine":
        return f"engine/{parts[1]}" if len(parts) > 1 and (ROOT / "engine" / parts[1]).is_dir() else "engine"
    return parts[0]


def imports(path: Path) -> set[str]:
    """The modules of ours that a file imports, at any depth of its code."""
    package = ".".join(["cleanroom_ml", *path.relative_to(ROOT).with_suffix("").parts[:-1]])
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level > 1 else package
            module = f"{base}.{node.module or ''}".rstrip(".") if node.level else str(node.module)
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names if is_module(module, alias.name))}
    return {name for name in found if name == "cleanroom_ml" or name.startswith("cleanroom_ml.")}


def is_module(module: str, name: str) -> bool:
    place = ROOT.parent.joinpath(*module.split("."))
    return (place / name).is_dir() or (place / f"{name}.py").is_file()


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_a_room_imports_only_what_it_may(room: str) -> None:
    allowed = ALLOWED[room] | SHARED | {room}
    wrong = []
    for path in sorted((ROOT / room).rglob("*.py")):
        for name in sorted(imports(path)):
            target = room_of(name)
            if target not in allowed and not any(target.startswith(f"{each}/") for each in allowed if each == "engine"):
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert wrong == []


def test_every_package_is_a_room() -> None:
    rooms = {str(path.parent.relative_to(ROOT)) for path in ROOT.rglob("__init__.py")}
    known = set(ALLOWED) | {".", "engine"}
    assert {room for room in rooms if not any(room == each or room.startswith(f"{each}/") for each in known)} == set()


def test_the_rule_notices_a_wrong_import(tmp_path: Path) -> None:
    """The check can fail: a file of `specs` that imports the engine is found."""
    assert room_of("cleanroom_ml.engine.sql.parse") == "engine/sql"
    assert "engine/sql" not in ALLOWED["specs"] | SHARED
    stray = ROOT / "specs" / "parse.py"
    assert not any(room_of(name).startswith("engine") for name in imports(stray))


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"], ["approve", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = "import sys; from cleanroom_ml.cli.main import run; run(sys.argv[1:]);print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines())
    assert "typer" in loaded
    assert loaded & set(HEAVY) == set()


def test_importing_the_package_loads_nothing_of_it() -> None:
    code = "import sys, cleanroom_ml; print([name for name in sys.modules if name.startswith('cleanroom_ml.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
