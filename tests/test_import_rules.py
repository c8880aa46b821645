"""Who may import whom (docs/ARCHITECTURE.md), never in a circle, and what may be imported before it is needed."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import cache
from pathlib import Path

import pytest
from package_map import ALLOWED, EVERYWHERE, LOOSE, written

ROOT = Path(__file__).parents[1] / "cleanroom_ml"

MOST_LINES = 400

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


def package_of(module: str) -> str:
    """`cleanroom_ml.engine.sql.lex.split` → `engine/sql`; a file directly in cleanroom_ml/ → the empty text."""
    parts = module.split(".")[1:]
    if not parts or (len(parts) == 1 and parts[0] in LOOSE):
        return ""
    return "/".join(parts[:2]) if parts[0] == "engine" else parts[0]


@cache
def is_module(name: str) -> bool:
    place = ROOT.parent.joinpath(*name.split("."))
    return place.is_dir() or place.with_suffix(".py").is_file()


def module_of(path: Path) -> str:
    parts = ["cleanroom_ml", *path.relative_to(ROOT).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports(path: Path) -> frozenset[str]:
    """The modules of ours that a file imports: for its types alone, or when a function is called, is importing too."""
    package = module_of(path) if path.name == "__init__.py" else module_of(path).rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level > 1 else package
            module = f"{base}.{node.module or ''}".rstrip(".") if node.level else str(node.module)
            for alias in node.names:
                whole = f"{module}.{alias.name}"
                found.add(whole if is_module(whole) else module)
    return frozenset(name for name in found if name == "cleanroom_ml" or name.startswith("cleanroom_ml."))


def wrong_imports(package: str, name: str) -> bool:
    shared = EVERYWHERE if package.startswith("engine/") else set()
    return package_of(name) not in ALLOWED[package] | shared | {package, ""}


def circles(graph: Mapping[str, AbstractSet[str]]) -> set[tuple[str, ...]]:
    """The sets of modules that reach each other, by Tarjan's algorithm without recursion."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    path: list[str] = []
    found = set()
    for root in graph:
        work = [] if root in number else [(root, iter(sorted(graph[root])))]
        if work:
            number[root] = low[root] = len(number)
            path.append(root)
        while work:
            here, after = work[-1]
            for each in after:
                if each not in number:
                    number[each] = low[each] = len(number)
                    path.append(each)
                    work.append((each, iter(sorted(graph[each]))))
                    break
                if each in path:
                    low[here] = min(low[here], number[each])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[here])
                if low[here] == number[here]:
                    at = path.index(here)
                    if len(path) - at > 1:
                        found.add(tuple(sorted(path[at:])))
                    del path[at:]
    return found


FILES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_a_package_imports_only_what_it_may(package: str) -> None:
    paths = sorted((ROOT / package).rglob("*.py"))
    assert paths, "there is no such package"
    wrong = [f"{path.relative_to(ROOT)} imports {name}" for path in paths for name in sorted(imports(path))
             if wrong_imports(package, name)]  # fmt: skip
    assert wrong == []


def test_every_file_is_in_a_package_that_has_a_rule() -> None:
    ours = [path.relative_to(ROOT) for path in FILES if "sample_projects" not in path.relative_to(ROOT).parts]
    loose = {str(path) for path in ours if package_of(module_of(ROOT / path)) not in ALLOWED}
    assert loose == {f"{name}.py" for name in LOOSE} | {"engine/__init__.py"}


def test_packages_do_not_import_each_other_in_a_circle() -> None:
    assert circles({package: allowed & set(ALLOWED) for package, allowed in ALLOWED.items()}) == set()


def test_no_modules_import_each_other_in_a_circle() -> None:
    names = {module_of(path) for path in FILES}
    graph = {module_of(path): (imports(path) & names) - {module_of(path)} for path in FILES}
    assert circles(graph) == set()


def test_no_file_is_longer_than_one_reads() -> None:
    ours = [path for path in FILES if "sample_projects" not in path.parts] + sorted(Path(__file__).parent.rglob("*.py"))
    assert {path.name for path in ours if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES} == set()


def test_the_rules_notice_what_breaks_them(tmp_path: Path) -> None:
    assert package_of("cleanroom_ml.engine.sql.lex.split") == "engine/sql"
    assert wrong_imports("specs", "cleanroom_ml.engine.sql.lex.split")
    assert wrong_imports("engine/login", "cleanroom_ml.engine.stray")
    assert not wrong_imports("engine/login", "cleanroom_ml.engine.home.paths")
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set()}) == {("b", "c")}
    stray = tmp_path / "stray.py"
    stray.write_text(
        "def f():\n    from cleanroom_ml.engine import sql\n    from cleanroom_ml.errors import UsageError\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules[__name__], "module_of", lambda _: "cleanroom_ml.stray")
        assert imports(stray) == {"cleanroom_ml.engine.sql", "cleanroom_ml.errors"}


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


def test_no_rule_allows_what_nobody_needs() -> None:
    """A map with arrows that are not there hides the next one that should not be."""
    used: dict[str, set[str]] = {package: set() for package in ALLOWED}
    for path in FILES:
        package = package_of(module_of(path))
        if package in used:
            used[package] |= {package_of(name) for name in imports(path)}
    unused = {package: left for package, allowed in ALLOWED.items() if (left := allowed - used[package])}
    assert unused == {}


def test_the_architecture_page_says_what_the_rules_say() -> None:
    page = (ROOT.parent / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert written(page) == page, "run: make docs"
