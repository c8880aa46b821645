"""A real engine process on loopback, one for the whole test session, and accounts of it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import left_out
import pytest
from xdist.scheduler import LoadFileScheduling

from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.local import accounts
from cleanroom_ml.local import engine as local_engine
from cleanroom_ml.local.engine import EngineStatus
from cleanroom_ml.local.home import ensure_home

FIRST = ("samples", "end_to_end", "guarantees", "jobs", "runtime", "local")
"""Directories whose files take longest. Of two workers, neither is to be left with one of them at the end."""

TOGETHER = ("end_to_end", "guarantees")
"""Directories whose files share a world that takes seconds to make: one worker has all of them."""

WITHOUT_RUNTIME = left_out.reason(os.environ, left_out.installed)
"""Why tests of the container runtime are skipped here; None where they are not."""

MakeAccount = Callable[[str], dict[str, Any]]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests about root's or an ordinary user's powers are not collected for the other: they have nothing to skip."""
    other = "ordinary_user" if os.geteuid() == 0 else "root_only"
    left_out = [item for item in items if item.get_closest_marker(other)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker(other)]
    if WITHOUT_RUNTIME:
        for item in items:
            if item.get_closest_marker("runtime"):
                item.add_marker(pytest.mark.skip(reason=WITHOUT_RUNTIME))
    items.sort(key=lambda item: FIRST.index(room) if (room := _room(item)) in FIRST else len(FIRST))


class LeftOut(pytest.Module):
    """A test module that cannot be imported here, and says why instead."""

    def collect(self) -> Iterator[pytest.Item]:
        pytest.skip(str(WITHOUT_RUNTIME), allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """What imports a library of the runtime extra is a skip where that extra is left out."""
    if WITHOUT_RUNTIME and module_path.name.startswith("test_") and left_out.imports_it(module_path):
        return LeftOut.from_parent(parent, path=module_path)
    return None


def _room(item: pytest.Item) -> str:
    return item.path.relative_to(Path(__file__).parent).parts[0]


class Rooms(LoadFileScheduling):  # type: ignore[misc]
    """`--dist loadfile`, but for the directories that stay together."""

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        room = file.removeprefix("tests/").split("/")[0]
        return room if room in TOGETHER else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    """Asked of xdist's main process only, where tests run in several."""
    return Rooms(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_configure(config: pytest.Config) -> None:
    """What jobs run in is frozen once, for all sessions of tests: with its 50,000 files that takes seconds."""
    _profiles()
    cache = config.rootpath / ".pytest_cache" / f"images-{os.geteuid()}"
    os.environ.setdefault("CLEANROOM_ML_IMAGES", str(cache))


def _profiles() -> None:
    """A slow machine is no finding; CI tries the same examples each time, and everybody else new ones."""
    slow = [hypothesis.HealthCheck.too_slow]
    hypothesis.settings.register_profile("here", deadline=None, suppress_health_check=slow, print_blob=True)
    hypothesis.settings.register_profile(
        "in CI", hypothesis.settings.get_profile("here"), derandomize=True, database=None
    )
    hypothesis.settings.load_profile("in CI" if os.environ.get("CI") else "here")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a sandbox or an attack that was not tried is a failure, not a skip."""
    report = yield
    left_out_ = WITHOUT_RUNTIME is not None and item.get_closest_marker("runtime") is not None
    guarded = not left_out_ and any(item.get_closest_marker(name) for name in ("sandbox", "attack"))
    if report.skipped and guarded and os.environ.get("CI"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and in CI it has to run: {report.longrepr}"
    return report


@pytest.fixture(scope="session", autouse=True)
def _nothing_of_this_person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the home, the keys, the state or the connections of whoever runs the tests."""
    base = tmp_path_factory.mktemp("person")
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("CLEANROOM_ML_HOME", "CLEANROOM_ML_CONFIG", "CLEANROOM_ML_STATE", "SNOWFLAKE_HOME"):
            patch.setenv(variable, str(base / variable.lower()))
        yield


@pytest.fixture
def fresh_home() -> Iterator[Home]:
    """A home of its own for one test, whose engine, if the test starts one, is stopped."""
    directory = Path(tempfile.mkdtemp(prefix="cr-"))
    home = ensure_home(directory / "home")
    try:
        yield home
    finally:
        local_engine.stop(home)
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def engine_home() -> Iterator[Home]:
    """The home of the session's engine."""
    directory = Path(tempfile.mkdtemp(prefix="cr-"))
    try:
        yield ensure_home(directory / "home")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def engine(engine_home: Home) -> Iterator[EngineStatus]:
    """The session's engine, running."""
    yield local_engine.ensure_running(engine_home)
    local_engine.stop(engine_home)


@pytest.fixture(scope="session")
def make_account(engine: EngineStatus, engine_home: Home) -> MakeAccount:
    """`make_account(name)`: an account of the session's engine, as arguments of `snowflake.connector.connect`."""

    def make(name: str) -> dict[str, Any]:
        made = accounts.create(name, home=engine_home)
        return dict(accounts.connections(engine_home)[made.connection])

    return make
