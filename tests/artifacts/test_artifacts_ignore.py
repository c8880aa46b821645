"""What is left out of an upload."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleanroom_ml.artifacts.ignore import IGNORE_FILE, IgnoreRules
from cleanroom_ml.artifacts.scan import ignore_rules, scan
from cleanroom_ml.errors import UsageError


def test_the_default_rules(tmp_path: Path) -> None:
    ignored = [
        ".git/config", "a/.git/x", "__pycache__/a.pyc", "a/b.pyc", ".venv/x", "venv/x", ".mypy_cache/x",
        ".pytest_cache/x", ".ruff_cache/x", ".ipynb_checkpoints/x", ".DS_Store", "a/.DS_Store", "node_modules/x",
        "my.egg-info/x", ".cleanroomignore",
    ]  # fmt: skip
    kept = [".gitignore", "a/venv.py", "b.py", "environment/x", "pyc"]
    for name in (*ignored, *kept):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert [path for path, _ in scan(tmp_path)] == sorted(kept)


@pytest.mark.parametrize(
    ("lines", "path", "directory", "ignored"),
    [
        (["*.csv"], "a/b.csv", False, True),
        (["/*.csv"], "a/b.csv", False, False),
        (["/*.csv"], "b.csv", False, True),
        (["data/"], "data", True, True),
        (["data/"], "data", False, False),
        (["data/"], "a/data", True, True),
        (["a/data"], "b/a/data", True, False),
        (["a/**/c"], "a/c", False, True),
        (["a/**/c"], "a/x/y/c", False, True),
        (["**/c"], "a/b/c", False, True),
        (["a/**"], "a/b/c", False, True),
        (["a/**"], "a", True, False),
        (["*.csv", "!keep.csv"], "keep.csv", False, False),
        (["!keep.csv", "*.csv"], "keep.csv", False, True),
        (["# x", "", "  "], "# x", False, False),
        (["\\#x"], "#x", False, True),
        (["\\!x"], "!x", False, True),
        (["a\\*"], "a*", False, True),
        (["a\\*"], "ab", False, False),
        (["[!a].py"], "b.py", False, True),
        (["[^a].py"], "a.py", False, False),
        (["?.py"], "ab.py", False, False),
        (["a "], "a", False, True),
        (["*"], "a/b", False, True),
        (["x/*"], "x/a/b", False, False),
        (["!venv/"], "venv", True, False),
    ],
)
def test_patterns(lines: list[str], path: str, directory: bool, ignored: bool) -> None:
    assert IgnoreRules.parse(lines).ignores(path, directory=directory) == ignored


names = st.sampled_from(["a", "b", "ab", "a.py"])
patterns = st.lists(
    st.sampled_from(["a", "b", "*", "**", "?", "/", "!", "a*", "*.py", "[ab]"]), min_size=1, max_size=5
).map("".join)


@settings(max_examples=500, deadline=None)
@given(st.lists(patterns, max_size=3), st.lists(names, min_size=1, max_size=3))
def test_as_git_reads_them(lines: list[str], parts: list[str]) -> None:
    pathspec = pytest.importorskip("pathspec")
    unclear = any(
        "***" in line or "//" in line or "!!" in line or line.strip("!/") in ("", "*", "**") for line in lines
    )
    mixed = any(
        "**" in line and any("**" in part and part != "**" for part in line.strip("!").split("/")) for line in lines
    )
    if unclear or mixed:
        return
    spec = pathspec.GitIgnoreSpec.from_lines(lines)
    rules = IgnoreRules.parse(lines, defaults=False)
    prefixes = ["/".join(parts[: length + 1]) for length in range(len(parts))]
    ours = any(rules.ignores(prefix, directory=prefix != prefixes[-1]) for prefix in prefixes)
    theirs = any(spec.match_file(prefix + ("/" if prefix != prefixes[-1] else "")) for prefix in prefixes)
    assert ours == theirs


@pytest.mark.attack
def test_no_pattern_takes_long() -> None:
    rules = IgnoreRules.parse(["*a" * 100 + "b", "**/" * 100 + "x", "/".join(["*a*a*a*a*"] * 50)])
    started = time.monotonic()
    for _ in range(10):
        rules.ignores("/".join(["a" * 200] * 5), directory=False)
    assert time.monotonic() - started < 1


def test_the_ignore_file_is_bounded_and_text(tmp_path: Path) -> None:
    path = tmp_path / ".cleanroomignore"
    for content in (b"\xff\n", b"x" * 600, b"x\n" * 2000, b"x\n" * 200_000):
        path.write_bytes(content)
        with pytest.raises(UsageError):
            scan(tmp_path)
    path.unlink()
    path.symlink_to("/etc/passwd")
    with pytest.raises(UsageError):
        scan(tmp_path)


def test_the_ignore_file_of_the_root_counts_below_it_and_the_directorys_own_decides(tmp_path: Path) -> None:
    code = tmp_path / "src" / "code"
    (code / "data").mkdir(parents=True)
    for name in ("train.py", "debug.log", "kept.log", "data/rows.csv", "notes.txt"):
        (code / name).write_text("x")
    (tmp_path / IGNORE_FILE).write_text("*.log\nsrc/code/data/\n/notes.txt\n")
    (code / IGNORE_FILE).write_text("!kept.log\n")
    told: dict[str, str] = {}
    found = scan(code, ignore=ignore_rules(code, root=tmp_path), on_ignored=told.__setitem__)
    assert [path for path, _ in found] == ["kept.log", "notes.txt", "train.py"]
    assert told["debug.log"] == ".cleanroomignore of the project: *.log"
    assert told["data/"] == ".cleanroomignore of the project: src/code/data/"
    assert told[IGNORE_FILE].startswith("always left out")
    assert [path for path, _ in scan(code)] == ["data/rows.csv", "debug.log", "kept.log", "notes.txt", "train.py"]


@pytest.mark.parametrize("line", ["code/", "src", "/src/code", "**/code"])
def test_a_root_that_leaves_out_the_whole_directory_is_refused(tmp_path: Path, line: str) -> None:
    code = tmp_path / "src" / "code"
    code.mkdir(parents=True)
    (tmp_path / IGNORE_FILE).write_text(f"{line}\n")
    with pytest.raises(UsageError, match="leaves out"):
        ignore_rules(code, root=tmp_path)
