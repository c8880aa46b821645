"""Worlds: one on an engine in this process (single controls can be taken away), one on an engine of its own process."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import guarantees_world
import pytest
from guarantees_front import Front

from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.local import engine as local_engine
from cleanroom_ml.local.home import ensure_home


@contextmanager
def _a_home() -> Iterator[Home]:
    directory = Path(tempfile.mkdtemp(prefix="cr-"))
    home = ensure_home(directory / "home")
    try:
        yield home
    finally:
        local_engine.stop(home)
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def home() -> Iterator[Home]:
    """The home of the engine with a process of its own."""
    with _a_home() as home:
        yield home


@pytest.fixture(scope="session")
def front() -> Iterator[Front]:
    """The whole front in this process: same code, same sockets, same sandboxes, and reachable for monkeypatch."""
    with _a_home() as home, pytest.MonkeyPatch.context() as patch:
        running = Front(home, patch)
        yield running
        running.stop()


@pytest.fixture(scope="session")
def world_here(front: Front, tmp_path_factory: pytest.TempPathFactory) -> Iterator[guarantees_world.World]:
    """The collaboration on the engine in this process."""
    world = guarantees_world.build(front.home, tmp_path_factory.mktemp("project"))
    yield world
    world.close()


@pytest.fixture(scope="session")
def world(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[guarantees_world.World]:
    """The collaboration on an engine of its own process, as everybody runs it."""
    world = guarantees_world.build(home, tmp_path_factory.mktemp("project"))
    yield world
    world.close()
