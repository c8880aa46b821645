"""What the measurement of the tests complains of, and that its lists are of modules that are there."""

from __future__ import annotations

from typing import Any

import pytest
from floors import AUTHORISING, FLOORS, IN_SANDBOXES, INSIDE, PACKAGE, complaints, counted, package_of, untaken


def measured(statements: int, executed: int, branches: int = 0, taken: int = 0, **missing: Any) -> dict[str, Any]:
    summary = {
        "num_statements": statements, "covered_lines": executed, "num_branches": branches, "covered_branches": taken,
    }  # fmt: skip
    return {"summary": summary, "missing_lines": missing.get("lines", []), "missing_branches": missing.get("to", [])}


def test_every_module_that_is_listed_is_there() -> None:
    for name in (*AUTHORISING, *INSIDE, *FLOORS):
        assert (PACKAGE / name).exists(), name


@pytest.mark.parametrize(
    ("name", "package"),
    [("engine/sql/lex/split.py", "engine/sql"), ("specs/parse.py", "specs"), ("engine/__init__.py", "engine")],
)
def test_a_package_is_what_the_map_of_packages_lists(name: str, package: str) -> None:
    assert package_of(name) == package


def test_too_little_is_said_by_package_and_what_runs_in_sandboxes_has_a_row_of_its_own() -> None:
    files = {
        "specs/parse.py": measured(80, 75, 20, 15),
        "evidence/digest.py": measured(80, 75, 20, 14, lines=[7]),
        "engine/warehouse/worker.py": measured(100, 1),
        "cli/main.py": measured(100, 0),
        **{name: measured(1, 1) for name in AUTHORISING},
    }
    packages = counted(files)
    assert {"specs", "evidence", IN_SANDBOXES} <= set(packages)
    assert not {"cli", "engine/warehouse"} & set(packages)
    assert packages["evidence"].missed == {"evidence/digest.py": ["7"]}
    assert complaints(packages, files) == ["evidence: 89.0 % is under 90 %"]


def test_one_branch_of_what_authorises_is_too_little_whatever_the_whole_is() -> None:
    files = {name: measured(1000, 1000) for name in AUTHORISING}
    assert untaken(files) == []
    files[AUTHORISING[0]] = measured(1000, 1000, 500, 499, to=[[12, 14], [30, -1]])
    del files[AUTHORISING[1]]
    assert untaken(files) == [
        f"{AUTHORISING[0]} authorises, and no test takes 12→14, 30→end",
        f"{AUTHORISING[1]}: there is no such file",
    ]
