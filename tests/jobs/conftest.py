"""Fixtures of the pools' tests: a home with a short path, and everything around a JobService (see jobs_harness)."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from jobs_harness import MIB, Pools
from jobs_wheels import Index

from cleanroom_ml.engine.jobs.environments import Environments
from cleanroom_ml.engine.jobs.families import Machine
from cleanroom_ml.engine.jobs.service import Settings
from cleanroom_ml.engine.storage.objects import ObjectStore


@pytest.fixture
def home() -> Iterator[Path]:
    # Not tmp_path: a Unix socket's path may have 107 bytes.
    path = Path(tempfile.mkdtemp(prefix="crml-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def settings() -> Settings:
    return Settings(
        wall_seconds=60,
        scratch_bytes=64 * MIB,
        log_bytes=100_000,
        processes=256,
        tick_seconds=0.05,
        relay_patience_seconds=30,
    )


@pytest.fixture
def machine() -> Machine:
    return Machine(cpus=2, memory_bytes=1200 * MIB)  # 600 MiB for each of the pool's two places


@pytest.fixture
def pools(home: Path, settings: Settings, machine: Machine) -> Iterator[Pools]:
    pools = Pools(home, settings, machine)
    pools.service.recover()
    yield pools
    pools.close()


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """An operator's package index, empty."""
    return Index(tmp_path / "index")


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    """Of the home that `environments` has."""
    return ObjectStore(tmp_path / "home" / "objects")


@pytest.fixture
def environments(tmp_path: Path, objects: ObjectStore, index: Index) -> Environments:
    """Resolves from `index`."""
    return Environments(tmp_path / "home", objects, environ=index.environ)
