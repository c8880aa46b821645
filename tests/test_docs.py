"""The pages of docs/ say what is true: generated ones are what the code says, walkthroughs are typed as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from walkthrough import Shell, walk

from cleanroom_ml.services import reference

DOCS = Path(__file__).parents[1] / "docs"


def test_the_reference_of_the_specs_is_what_the_models_say() -> None:
    assert (DOCS / "reference" / "specs.md").read_text(encoding="utf-8") == reference.page(), "make docs"


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: str(page.relative_to(DOCS)))
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
