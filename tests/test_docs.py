"""The pages of docs/ say what is true: generated ones are what the code says, walkthroughs are typed as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from walkthrough import Shell, walk

from cleanroom_ml.services import reference
from cleanroom_ml.specs.parse import parse_as
from cleanroom_ml.specs.project import Project

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.rglob("*.md")), ROOT / "CONTRIBUTING.md"]


def test_the_reference_of_the_specs_is_what_the_models_say() -> None:
    assert (DOCS / "reference" / "specs.md").read_text(encoding="utf-8") == reference.page(), "make docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link


@pytest.mark.slow
@pytest.mark.sandbox
def test_a_first_project_of_ones_own_goes_as_it_is_written(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    try:
        walk(shell, (DOCS / "first-project.md").read_text(encoding="utf-8"))
    finally:
        shell.run("cleanroom-ml engine stop")


def test_every_test_that_the_threats_name_is_there() -> None:
    text = (DOCS / "THREATS.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:[a-z_0-9]+/)+test_[a-z_0-9]+\.py)(?:::(test_[a-z_0-9]+))?`", text)
    assert len(named) > 30
    for path, function in named:
        file = DOCS.parent / "tests" / path
        assert file.is_file(), path
        assert f"def {function}" in file.read_text(encoding="utf-8"), (path, function)


def test_every_page_and_section_that_code_cites_is_there() -> None:
    cited = set()
    for place in ("cleanroom_ml", "tests"):
        for file in (ROOT / place).rglob("*.py"):
            text = file.read_text(encoding="utf-8")
            cited |= {(path, None) for path in re.findall(r"(?<![\w-])docs/[A-Za-z/-]+\.md", text)}
            for path, first, second in re.findall(r"(docs/api-digest\.md) §(\d+)(?: and §(\d+))?", text):
                cited |= {(path, int(number)) for number in (first, second) if number}
            headings = re.findall(r"(docs/(?:measured-facts|cli-conventions)\.md), \"([^\"]+)\"", text)
            cited |= {(path, heading) for path, heading in headings}
    assert len(cited) > 15
    for path, section in sorted(cited, key=str):
        page = ROOT / path
        assert page.is_file(), path
        text = page.read_text(encoding="utf-8")
        if isinstance(section, int):
            assert re.search(rf"^## {section}\. ", text, re.M), (path, section)
        elif section is not None:
            assert re.search(rf"^(## {re.escape(section)}$|\*\*{re.escape(section)}\.\*\*)", text, re.M), (
                path,
                section,
            )


HOW_TO = DOCS / "how-to"
FILE_ROW = re.compile(r"^\| ([^|\n]*`[^|\n]*) \|", re.M)


def files_of(page: Path) -> list[str]:
    """The first column of a page's table of files, without tests."""
    _, _, after = page.read_text(encoding="utf-8").partition("| file | what goes there |\n|---|---|\n")
    return [row for row in FILE_ROW.findall(after.partition("\n\n")[0]) if not row.startswith("`tests/")]


@pytest.mark.parametrize("page", sorted(HOW_TO.glob("*.md")), ids=lambda page: page.stem)
def test_the_files_that_a_change_touches_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`((?:cleanroom_ml|tests)/[\w./-]+|[\w-]+\.(?:py|toml|txt))`", text)
    tests = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    beside = {path.name for path in (ROOT / "cleanroom_ml").rglob("*.py")}
    assert named
    for name in named:
        if "NAME" in name:
            assert (ROOT / f"{name.split('NAME')[0]}x").parent.is_dir(), name
        else:
            assert (ROOT / name).exists() or name in tests | beside, name


def test_the_table_of_changes_says_what_their_pages_say() -> None:
    """Each page has a table of files with as many lines as the index says, and no more than are allowed."""
    index = (HOW_TO / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[.+?\]\((.+?)\) \| (\d+) \| (\d+) \| (\d+) \+ \d+ \| (\d+) \|", index, re.M)
    assert {name for name, *_ in rows} == {path.name for path in HOW_TO.glob("add-*.md")}
    allowed = {name.removesuffix(".md").partition("-")[2]: int(most) for name, *_, most in rows}
    assert allowed == {
        "a-procedure": 2, "a-function": 1, "a-statement": 3, "a-type": 3, "a-spec-field": 4, "a-command": 3,
        "a-trainer": 3, "a-driver": 3, "an-exit-code": 1, "a-pool-family": 1,
    }  # fmt: skip
    for name, before, now, done, most in rows:
        assert len(files_of(HOW_TO / name)) == int(now), name
        assert int(done) <= int(now) <= min(int(before), int(most)), name


def test_the_project_files_that_are_shown_are_project_files() -> None:
    page = (DOCS / "project-file.md").read_text(encoding="utf-8")
    shown = [parse_as(Project, text) for text in re.findall(r"```yaml\n(.+?)```", page, re.S)]
    assert [project.owner for project in shown] == [None, "LOCAL.PUBLISHER"]


def test_the_index_names_every_page() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    pages = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")} - {"README.md"}
    assert {page for page in pages if f"]({page})" not in index} == set()
