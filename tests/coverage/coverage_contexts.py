"""A plugin of pytest's for `make coverage-recorded`: each line is known by the test module that executed it.

Not for `make coverage`: on Python 3.14 that measures by sys.monitoring, which tells of a line once.
"""

from __future__ import annotations

from collections.abc import Generator

import coverage
import pytest
import whose


def pytest_configure(config: pytest.Config) -> None:
    """From here on processes find whose they are."""
    whose.NOW.mkdir(parents=True, exist_ok=True)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """What a test executes, its fixtures included, is its module's."""
    module = item.path.relative_to(item.config.rootpath / "tests").as_posix()
    measuring = coverage.Coverage.current()
    if measuring is not None:
        whose.note(module)
        measuring.switch_context(module)
    return (yield)
