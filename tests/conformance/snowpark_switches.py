"""A plugin for Snowpark's suite: leaves out the switches that it sets on the accounts of its owner.

`ENABLE_ROW_ACCESS_POLICY` and the like are no documented parameters: an account that does not know them answers that
they are invalid, and each test would begin with that. Done when this is imported, which is before any conftest.py is.
"""

from __future__ import annotations

from tests.integ import session_parameters


def _nothing(session: object, local_testing_mode: bool) -> None:
    """The session stays as it begins."""


session_parameters.set_up_test_session_parameters = _nothing
