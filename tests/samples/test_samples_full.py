"""Every sample with all of its data gives what its README says (expected.json, `full`)."""

from __future__ import annotations

import pytest

from cleanroom_ml.services.projects import samples

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.runtime]


@pytest.mark.parametrize("name", [name for name, path in samples().items() if (path / "expected.json").is_file()])
def test_all_of_the_data(start_alone, name: str) -> None:
    run = start_alone(name, "full")
    run.check(run.to_the_end())
