from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from cleanroom_ml.engine.sandbox.bubblewrap import Bubblewrap
from cleanroom_ml.engine.sandbox.cgroups import remove_directories
from cleanroom_ml.engine.sandbox.no_isolation import NoIsolation
from cleanroom_ml.engine.sandbox.policy import Limits, Mount, SandboxSpec


@pytest.mark.parametrize(
    "target", ["/", "/usr", "/etc", "/proc/sys", "/dev/sda", "/a/../proc", "//x", "x", "/a\0b", "/lib/x"]
)
def test_targets_that_would_hide_the_sandboxs_own_are_refused(target: str) -> None:
    with pytest.raises(ValueError):
        Mount(Path("/srv"), target)
    with pytest.raises(ValueError):
        SandboxSpec(argv=("/bin/true",), files={target: b""})


@pytest.mark.parametrize("uid", [0, 1000, 60999, 65001])
def test_only_uids_of_the_range(uid: int) -> None:
    with pytest.raises(ValueError, match="uid"):
        SandboxSpec(argv=("/bin/true",), uid=uid)


@pytest.mark.parametrize(
    "bad",
    [
        {"argv": ()},
        {"argv": ("/bin/true\0--bind",)},
        {"env": {"A=B": "x"}},
        {"env": {"A": "x\0--bind"}},
        {"workdir": "tmp"},
        {"name": "../up"},
        {"pass_fds": (1,)},
        {"mounts": (Mount(Path("/a"), "/m"), Mount(Path("/b"), "/m"))},
    ],
)
def test_what_could_turn_into_an_option_is_refused(bad: dict) -> None:
    with pytest.raises(ValueError):
        SandboxSpec(**{"argv": ("/bin/true",), **bad})


def test_limits_must_be_positive() -> None:
    with pytest.raises(ValueError):
        Limits(memory_bytes=0)
    with pytest.raises(ValueError):
        Limits(wall_seconds=0)


def test_the_driver_that_isolates_has_nothing_to_switch_off() -> None:
    assert inspect.signature(Bubblewrap).parameters == {}
    assert vars(Bubblewrap()) == {}


def test_no_isolation_needs_a_reason() -> None:
    with pytest.raises(ValueError):
        NoIsolation(reason=" ")


@pytest.mark.parametrize(
    "path",
    ["/sys/fs/cgroup/memory", "/tmp/cleanroom-1-1-1-job-00000000", "/sys/fs/cgroup/../cleanroom-1-1-1-a-00000000"],
)
def test_a_forged_record_cannot_name_a_foreign_cgroup(path: str) -> None:
    with pytest.raises(ValueError, match="not a cgroup of ours"):
        remove_directories([Path(path)])
