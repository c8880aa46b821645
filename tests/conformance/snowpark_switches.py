"""A plugin for Snowpark's suite: leaves out the switches that it sets on the accounts of its owner.

`ENABLE_ROW_ACCESS_POLICY` and the like are no documented parameters: an account that does not know them answers that
they are invalid, and each test would begin with that.
"""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Before the suite's conftest.py takes the function by its name."""
    from tests.integ import session_parameters

    session_parameters.set_up_test_session_parameters = _nothing


def _nothing(session: object, local_testing_mode: bool) -> None:
    """The session stays as it begins."""
