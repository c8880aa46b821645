"""From requirements to a lock and a layer: what is resolved, kept, verified, made again, and swept. A local index."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from jobs_wheels import Index, needs, wheel_bytes, wheel_name

from cleanroom_ml.engine.jobs.environments import Environments
from cleanroom_ml.engine.jobs.errors import JobsError
from cleanroom_ml.engine.jobs.layers.errors import LayerChangedError, PackageHashError
from cleanroom_ml.engine.jobs.layers.lock import DependencyLock
from cleanroom_ml.engine.jobs.layers.pip import index_sha256
from cleanroom_ml.engine.jobs.layers.policy import LayerLimits
from cleanroom_ml.engine.jobs.layers.resolver import Resolver
from cleanroom_ml.engine.storage.objects import ObjectStore

pytestmark = pytest.mark.sandbox


def lock_of(environments: Environments, objects: ObjectStore, *lines: str, **more: object) -> DependencyLock:
    lock = DependencyLock.from_json(environments.lock(needs(objects, *lines, **more)))
    assert lock is not None
    return lock


def tree_of(environments: Environments, lock: DependencyLock) -> Path:
    tree = environments.layer_of(lock, environments.image_of(lock))
    assert tree is not None
    return tree


@pytest.mark.runtime
def test_what_the_image_has_needs_no_layer(environments: Environments, objects: ObjectStore, tmp_path: Path) -> None:
    lock = lock_of(environments, objects, "pandas>=2", "xgboost", "ray[tune]>=2", "nothing; python_version < '3'")
    assert lock.provided.keys() == {"pandas", "xgboost-cpu", "ray"}
    assert (lock.packages, lock.layer, lock.image_tag) == ((), "", "local")
    assert environments.layer_of(lock, environments.image_of(lock)) is None
    assert list((tmp_path / "home" / "layers").iterdir()) == []


def test_a_layer_holds_what_is_missing_with_what_it_depends_on(
    environments: Environments, objects: ObjectStore, index: Index
) -> None:
    index.add("uplift", "1.2", requires=["helper>=2", "numpy"])
    index.add("helper", "2.0")
    index.add("helper", "3.0")
    lock = lock_of(environments, objects, "uplift<2", "helper<3", "pandas")
    assert [(each.name, each.version, each.source) for each in lock.packages] == [
        ("helper", "2.0", "index"),
        ("uplift", "1.2", "index"),
    ]
    held = (index.directory / wheel_name("uplift", "1.2")).read_bytes()
    assert lock.packages[1].sha256 == hashlib.sha256(held).hexdigest()
    tree = tree_of(environments, lock)
    assert {path.name for path in tree.iterdir()} >= {"uplift.py", "helper.py", "uplift-1.2.dist-info"}
    assert oct((tree / "uplift.py").stat().st_mode & 0o777) == "0o444"
    assert list((tree / "__pycache__").glob("uplift.*.pyc")), "compiled once, so that no job has to"


def test_the_same_wheels_are_the_same_layer(environments: Environments, objects: ObjectStore, index: Index) -> None:
    index.add("uplift")
    first = lock_of(environments, objects, "uplift", "pandas")
    made = tree_of(environments, first).stat().st_ino
    second = lock_of(environments, objects, "uplift>=1", code_spec_id="other_v1")
    assert second.layer == first.layer
    assert second.digest != first.digest, "the lock says what the image provides, too"
    assert tree_of(environments, second).stat().st_ino == made


def test_a_wheel_of_the_code_directory(environments: Environments, objects: ObjectStore, index: Index) -> None:
    index.add("helper")
    path = f"wheels/{wheel_name('private')}"
    lock = lock_of(environments, objects, path, code={path: wheel_bytes("private", requires=["helper"])})
    assert [(each.name, each.source, each.path) for each in lock.packages] == [
        ("helper", "index", ""),
        ("private", "code", path),
    ]


def test_what_is_installed_stays_unless_the_spec_asks(
    environments: Environments, objects: ObjectStore, index: Index
) -> None:
    """A dependency does not replace the image's numpy behind the spec's back; the spec itself may."""
    index.add("numpy", "99.0")
    index.add("needy", requires=["numpy>=99"])
    with pytest.raises(JobsError, match=r"needy.*numpy>=99.*the image has numpy==") as caught:
        lock_of(environments, objects, "needy")
    assert caught.value.name == "DependencyConflictError"
    lock = lock_of(environments, objects, "numpy>=99", "needy")
    assert [(each.name, each.version) for each in lock.packages] == [("needy", "1.0"), ("numpy", "99.0")]


def test_a_stand_in_counts_for_dependencies_too(environments: Environments, objects: ObjectStore, index: Index) -> None:
    index.add("boosted", requires=["xgboost>=2"])
    lock = lock_of(environments, objects, "boosted")
    assert [each.name for each in lock.packages] == ["boosted"]


def test_another_version_of_a_stand_in_is_a_package_like_any_other(
    environments: Environments, objects: ObjectStore, index: Index
) -> None:
    index.add("xgboost", "1.0")
    assert [each.name for each in lock_of(environments, objects, "xgboost<2").packages] == ["xgboost"]


@pytest.mark.parametrize(
    ("lines", "name", "says"),
    [
        (["no-such-thing"], "RequirementNotSatisfiedError", "no index of this engine has a package for no-such-thing"),
        (["uplift>=9"], "RequirementNotSatisfiedError", r"no version fits uplift>=9; the index has 0\.5, 1\.0"),
        (["left", "right"], "DependencyConflictError", r"left 1\.0 depends on uplift<1.*right"),
        (["sourced"], "BinaryPackagesOnlyError", "not offered as a binary package"),
        (["elsewhere"], "BinaryPackagesOnlyError", "not offered as a binary package"),
        (["snowflake-snowpark-python<1"], "DependencyConflictError", "comes with the image or not at all"),
        (["needs-ray"], "DependencyConflictError", "ray"),
        (["wheels/absent-1.0-py3-none-any.whl"], "RequirementNotSatisfiedError", "has no file wheels/absent"),
    ],
)
def test_what_cannot_be_had_is_told_by_name_and_nothing_is_left(
    environments: Environments,
    objects: ObjectStore,
    index: Index,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    lines: list[str],
    name: str,
    says: str,
) -> None:
    for version in ("0.5", "1.0"):
        index.add("uplift", version)
    index.add("left", requires=["uplift<1"])
    index.add("right", requires=["uplift>=1"])
    index.add("needs-ray", requires=["ray<1"])
    index.add("elsewhere", tag="cp311-cp311-win_amd64")
    (index.directory / "sourced-1.0.tar.gz").write_bytes(b"")
    with caplog.at_level(logging.WARNING), pytest.raises(JobsError, match=says) as caught:
        environments.lock(needs(objects, *lines))
    assert caught.value.name == name
    assert list((tmp_path / "home" / "layers").iterdir()) == []
    told = next(record.getMessage() for record in caplog.records if "dependencies refused" in record.getMessage())
    assert all(part in told for part in ("ACME", "code_v1", name))


def test_an_index_out_of_reach(objects: ObjectStore, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The registrant is told that it does not answer; where it is, and with which password, is the operator's."""
    environ = {"PATH": os.environ["PATH"], "PIP_CONFIG_FILE": os.devnull, "PIP_TIMEOUT": "2"}
    environ["PIP_INDEX_URL"] = "http://user:secret@127.0.0.1:9/simple"
    environments = Environments(tmp_path / "home", objects, environ=environ)
    with caplog.at_level(logging.WARNING), pytest.raises(JobsError, match="does not answer") as caught:
        environments.lock(needs(objects, "uplift"))
    assert caught.value.name == "PackageIndexUnreachableError"
    told = f"{caught.value.what} {caught.value.why} {caught.value.fix} {caplog.text}"
    assert "secret" not in told
    assert "127.0.0.1:9/" not in told


def test_too_large_and_too_slow(objects: ObjectStore, index: Index, tmp_path: Path) -> None:
    index.add("big", files={"big.bin": os.urandom(300_000)})
    small = Environments(tmp_path / "home", objects, environ=index.environ, limits=LayerLimits(unpacked_bytes=200_000))
    with pytest.raises(JobsError, match=r"big-1\.0") as caught:
        small.lock(needs(objects, "big"))
    assert caught.value.name == "LayerTooLargeError"
    slow = Environments(tmp_path / "home", objects, environ=index.environ, limits=LayerLimits(resolve_seconds=0.05))
    with pytest.raises(JobsError, match=r"more than 0\.05 s"):
        slow.lock(needs(objects, "big"))


def test_a_lost_layer_is_made_again_without_an_index(
    environments: Environments, objects: ObjectStore, index: Index, tmp_path: Path
) -> None:
    """A home that was restored without its layers: the stored wheels are enough."""
    index.add("uplift")
    lock = lock_of(environments, objects, "uplift")
    shutil.rmtree(tmp_path / "home" / "layers")
    shutil.rmtree(index.directory)
    assert (tree_of(environments, lock) / "uplift.py").read_text() == "VERSION = '1.0'\n"


def test_a_stored_wheel_that_was_changed_is_not_unpacked(
    environments: Environments, objects: ObjectStore, index: Index, tmp_path: Path
) -> None:
    index.add("uplift")
    lock = lock_of(environments, objects, "uplift")
    shutil.rmtree(tmp_path / "home" / "layers")
    path = objects.path(lock.packages[0].sha256)
    path.chmod(0o644)
    path.write_bytes(wheel_bytes("uplift", files={"uplift.py": "evil"}))
    with pytest.raises(PackageHashError, match="not the wheel that was locked"):
        tree_of(environments, lock)
    assert not (tmp_path / "home" / "layers").exists()


@pytest.mark.attack
@pytest.mark.parametrize("change", ["changed", "added", "removed", "link"])
def test_a_layer_that_was_changed_is_refused(
    environments: Environments, objects: ObjectStore, index: Index, change: str
) -> None:
    index.add("uplift")
    lock = lock_of(environments, objects, "uplift")
    tree = tree_of(environments, lock)
    module = tree / "uplift.py"
    match change:
        case "changed":
            module.chmod(0o644)
            module.write_text("VERSION = '6.6'\n")
        case "added":
            (tree / "more.py").write_text("")
        case "removed":
            module.unlink()
        case "link":
            copy = tree.parent / "copy"
            module.rename(copy)
            module.symlink_to(copy)
    with pytest.raises(LayerChangedError, match=r"uplift\.py|more\.py"):
        tree_of(environments, lock)


@pytest.mark.slow
def test_a_killed_maker_leaves_no_layer_and_what_it_left_is_swept(
    environments: Environments, objects: ObjectStore, index: Index, tmp_path: Path
) -> None:
    """kill -9 at many moments: there is a whole layer or none, and the next sweep removes the rest."""
    index.add("uplift", files={f"uplift/m{number}.py": f"x = {number}\n" for number in range(300)})
    lock = lock_of(environments, objects, "uplift")
    (tmp_path / "lock.json").write_text(json.dumps(lock.to_json()))
    program = (
        "import json, sys; from pathlib import Path;"
        "from cleanroom_ml.engine.jobs.environments import Environments;"
        "from cleanroom_ml.engine.jobs.layers.lock import DependencyLock;"
        "from cleanroom_ml.engine.storage.objects import ObjectStore;"
        "home = Path(sys.argv[1]); lock = DependencyLock.from_json(json.loads(Path(sys.argv[2]).read_text()));"
        "made = Environments(home, ObjectStore(home / 'objects')); print('ready', flush=True);"
        "made.layer_of(lock, made.image_of(lock))"
    )
    layers = tmp_path / "home" / "layers"
    for pause in (0.05, 0.3, 0.5, 0.7, 0.9):
        shutil.rmtree(layers)
        argv = [sys.executable, "-c", program, str(tmp_path / "home"), str(tmp_path / "lock.json")]
        with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(pause)
            process.send_signal(signal.SIGKILL)
        names = [path.name for path in layers.iterdir()] if layers.exists() else []
        assert {name for name in names if not name.startswith(".")} <= {lock.layer}
        assert len(list(tree_of(environments, lock).rglob("*.py"))) == 300, "whole, or made anew"
    for path in layers.glob(".work-*"):
        os.utime(path, (0, 0))
    environments.sweep({lock.layer})
    assert [path.name for path in layers.iterdir()] == [lock.layer]


def test_the_sweep_spares_what_is_used_and_what_is_new(
    environments: Environments, objects: ObjectStore, index: Index, tmp_path: Path
) -> None:
    for name in ("uplift", "helper"):
        index.add(name)
    used, unused = (lock_of(environments, objects, name).layer for name in ("uplift", "helper"))
    layers = tmp_path / "home" / "layers"
    assert environments.sweep({used}) == [], "it was only just made: its registration may be under way"
    for layer in (used, unused):
        os.utime(layers / layer, (0, 0))
    assert environments.sweep({used}) == [unused]
    assert [path.name for path in layers.iterdir()] == [used]


def test_without_a_sandbox_there_are_no_layers(objects: ObjectStore, index: Index, tmp_path: Path) -> None:
    index.add("uplift")
    bare = Environments(tmp_path / "home", objects, environ=index.environ, isolated=False)
    assert bare.lock(needs(objects, "pandas"))["packages"] == []
    with pytest.raises(JobsError, match="no sandbox to unpack"):
        bare.lock(needs(objects, "uplift"))


@pytest.mark.attack
def test_one_account_does_not_hold_every_place(
    environments: Environments, objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its second resolution waits for its first, however long that takes; another account's does not."""
    go, waiting = threading.Event(), threading.Semaphore(0)
    resolve = Resolver.resolve

    def slowly(self: Resolver, requirements: Any, code: Any) -> DependencyLock:
        if requirements[0].name == "slow":
            waiting.release()
            go.wait(60)
        return resolve(self, [], {})

    monkeypatch.setattr(Resolver, "resolve", slowly)
    with ThreadPoolExecutor(4) as pool:
        try:
            slow = [pool.submit(environments.lock, needs(objects, "slow", account="EVIL")) for _ in range(3)]
            assert waiting.acquire(timeout=30)
            other = pool.submit(environments.lock, needs(objects, "pandas", account="ACME"))
            assert other.result(timeout=30)["packages"] == []
            assert not any(each.done() for each in slow)
        finally:
            go.set()


@pytest.mark.parametrize(
    ("archive", "sha256"),
    [
        ({"hash": "sha256=abc", "hashes": {"sha256": "abc"}}, "abc"),
        ({"hash": "sha256=abc"}, "abc"),  # pip 23.0, which Debian 12 has
        ({"hash": "md5=abc"}, ""),
        ({}, ""),
    ],
)
def test_the_hash_of_the_index_is_read_from_every_pip(archive: dict[str, object], sha256: str) -> None:
    assert index_sha256({"download_info": {"url": "https://example.com/a.whl", "archive_info": archive}}) == sha256
