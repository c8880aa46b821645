"""What is installed satisfies a requirement by pip's rules: range, marker, extras, and stand-ins."""

from __future__ import annotations

import io
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from jobs_wheels import wheel_bytes

from cleanroom_ml.engine.jobs.errors import RequirementNotSatisfiedError
from cleanroom_ml.engine.jobs.images.installation import this_installation
from cleanroom_ml.engine.jobs.requirements import Installed, check
from cleanroom_ml.specs.requirements import parse_requirement


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    """An environment of three packages; `full` of `kit` needs one more, `half` only what is there."""
    extras = ["uplift", "absent; extra == 'full'", "uplift>=1; extra == 'half'", "uplift>=9; extra == 'new'"]
    for made in (
        wheel_bytes("kit", "2.5", requires=extras),
        wheel_bytes("uplift", "1.5"),
        wheel_bytes("xgboost-cpu", "3.2.0"),
    ):
        zipfile.ZipFile(io.BytesIO(made)).extractall(tmp_path)
    return Installed(metadata.distributions(path=[str(tmp_path)]), python="3.11.7")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("kit", ("kit", "2.5")),
        ("KIT >=2,<3", ("kit", "2.5")),
        ("kit>=3", None),
        ("other", None),
        ("kit[half]", ("kit", "2.5")),
        ("kit[full]", None),
        ("kit[half,full]", None),
        ("kit[new]", None),
        ("kit[no-such-extra]", ("kit", "2.5")),
        ("xgboost>=2", ("xgboost-cpu", "3.2.0")),
        ("xgboost<2", None),
        ("xgboost-cpu", ("xgboost-cpu", "3.2.0")),
        ("wheels/kit-2.5-py3-none-any.whl", None),
    ],
)
def test_what_satisfies(installed: Installed, line: str, found: tuple[str, str] | None) -> None:
    assert installed.satisfying(parse_requirement(line)) == found


@pytest.mark.parametrize(
    ("marker", "holds"),
    [
        ("", True),
        ('python_version == "3.11"', True),
        ('python_full_version == "3.11.7"', True),
        ('python_version < "3"', False),
        ('extra == "full"', False),
        ('sys_platform == "win32"', False),
    ],
)
def test_markers_are_about_the_image(installed: Installed, marker: str, holds: bool) -> None:
    assert installed.applies(marker) == holds


def test_without_a_lock_everything_must_be_there():
    here = this_installation().image.installed
    check(
        ["pandas>=2", "scikit-learn", "", "# a comment", "numpy[extra]>1", "nothing-like-it; python_version < '3'"],
        here,
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("pandas>=99", r"'pandas>=99': pandas \d"),
        ("no-such-package-here==1", "no-such-package-here is not installed"),
        ("./wheels/mine-1.0-py3-none-any.whl", "not a requirement by name"),
        ("mine @ https://example.com/mine.whl", "file or address"),
        ("--index-url https://evil.example", "not a requirement by name"),
    ],
)
def test_not_satisfied(line, message):
    with pytest.raises(RequirementNotSatisfiedError, match=message):
        check(["pandas", line], this_installation().image.installed)


def test_all_of_them_are_named():
    with pytest.raises(RequirementNotSatisfiedError, match=r"pandas>=99.*numpy>=99"):
        check(["pandas>=99", "numpy>=99"], this_installation().image.installed)
