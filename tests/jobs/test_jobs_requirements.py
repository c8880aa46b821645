from __future__ import annotations

import pytest

from cleanroom_ml.engine.jobs.errors import RequirementNotSatisfiedError
from cleanroom_ml.engine.jobs.requirements import check


def test_satisfied():
    check(["pandas>=2", "scikit-learn", "", "# a comment", "numpy[extra]>1", "nothing-like-it; python_version < '3'"])


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
        check(["pandas", line])


def test_all_of_them_are_named():
    with pytest.raises(RequirementNotSatisfiedError, match=r"pandas>=99.*numpy>=99"):
        check(["pandas>=99", "numpy>=99"])
