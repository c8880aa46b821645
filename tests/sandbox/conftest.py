"""Running small programs in real sandboxes, and checking that nothing of them is left."""

from __future__ import annotations

import fnmatch
import os
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from weakened_sandbox import Weakened

from cleanroom_ml.engine.sandbox.bubblewrap import Bubblewrap
from cleanroom_ml.engine.sandbox.policy import Limits, SandboxSpec
from cleanroom_ml.engine.sandbox.process import Completed, run
from cleanroom_ml.engine.sandbox.processes import tree
from cleanroom_ml.engine.sandbox.python_runtime import python_runtime

HANDLERS = Path(__file__).parent / "handlers"

RunInside = Callable[..., Completed]


def cgroups_left() -> list[Path]:
    ours = f"cleanroom-*-{os.getpid()}-*"
    # os.walk passes over what goes away meanwhile: others make and remove groups all the time.
    return [Path(place, name) for place, names, _ in os.walk("/sys/fs/cgroup") for name in fnmatch.filter(names, ours)]


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Every test must leave neither a cgroup nor a process behind."""
    before, groups = set(tree(os.getpid())), set(cgroups_left())
    yield
    assert set(cgroups_left()) <= groups  # an engine that serves other tests from this process has groups of its own
    # Nor are that engine's new children this test's: what the test started descends from no process of before.
    elsewhere = {child for pid in before - {os.getpid()} for child in tree(pid)}
    assert set(tree(os.getpid())) - before - elsewhere == set()


@pytest.fixture
def inside() -> RunInside:
    """Run Python source in a sandbox; `without` takes controls away, keywords go into the SandboxSpec."""

    def run_inside(source: str, *, without: tuple[str, ...] = (), limits: Limits | None = None, **spec) -> Completed:
        runtime = python_runtime()
        return run(
            SandboxSpec(
                argv=(runtime.executable, "-I", "-S", "-c", textwrap.dedent(source)),
                mounts=(*runtime.mounts, *spec.pop("mounts", ())),
                limits=limits if limits is not None else Limits(wall_seconds=30),
                **spec,
            ),
            driver=Weakened(*without) if without else Bubblewrap(),
        )

    return run_inside
