"""`local` is a frozen copy of the installation: what becomes of it when the installation, or the copy, is changed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from jobs_environments import Environment, lock_of
from jobs_harness import Pools
from jobs_wheels import Index

from cleanroom_ml.engine.contracts.job import JobState
from cleanroom_ml.engine.jobs import launching
from cleanroom_ml.engine.jobs.environments import Environments
from cleanroom_ml.engine.jobs.images import seal
from cleanroom_ml.engine.jobs.images.build import build_image
from cleanroom_ml.engine.jobs.images.frozen import frozen_root
from cleanroom_ml.engine.jobs.images.image import Image
from cleanroom_ml.engine.jobs.images.interpreter import interpreter_files, interpreter_sha256
from cleanroom_ml.engine.jobs.images.manifest import ImageManifest
from cleanroom_ml.engine.jobs.layers.errors import ImageChangedError
from cleanroom_ml.engine.storage.objects import ObjectStore


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    index = Index(tmp_path_factory.mktemp("index"))
    points = "[console_scripts]\nuplift = uplift:main\n"
    for version in ("1.0", "2.0"):
        module = f"VERSION = {version!r}\ndef main():\n    print(VERSION)\n"
        about = {f"uplift-{version}.dist-info/entry_points.txt": points}
        index.add("uplift", version, files={"uplift.py": module, **about})
    index.add("helper")
    return index


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, index: Index) -> Environment:
    """Made once, and copied for each test."""
    made = Environment.make(tmp_path_factory.mktemp("installed") / "engine", index, Path())
    made.pip("install", "uplift==1.0", "helper")
    return made


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLEANROOM_ML_IMAGES", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture
def environment(tmp_path: Path, installed: Environment, store: Path) -> Environment:
    shutil.copytree(installed.directory, tmp_path / "engine", symlinks=True)
    return replace(installed, directory=tmp_path / "engine", store=store)


@pytest.fixture
def small_home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def version_in(image: Image) -> str:
    """What its interpreter imports, outside of a sandbox."""
    argv = [str(image.executable), "-I", "-c", "import uplift; print(uplift.VERSION)"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.sandbox
def test_an_approved_job_runs_in_its_image_whatever_is_installed_later(
    environment: Environment, pools: Pools, tmp_path: Path
) -> None:
    """And though the engine that runs it was started from another environment."""
    image = environment.freeze(pools.home)
    assert image.packages == {"uplift": "1.0", "helper": "1.0"}
    lock = lock_of(image).to_json()
    script = (
        "import subprocess, sys, helper, uplift\n"
        "child = subprocess.run([sys.executable, '-c', 'import uplift; print(uplift.VERSION)'], capture_output=True)\n"
        "named = subprocess.run(['uplift'], capture_output=True)\n"
        "__return__ = [uplift.VERSION, child.stdout.decode().strip(), named.stdout.decode().strip()]\n"
    )
    environment.pip("install", "uplift==2.0")
    environment.pip("uninstall", "--yes", "helper")
    job_id = pools.submit(script, dependency_lock=lock, image="local")
    status = pools.wait(job_id)
    assert status.status is JobState.DONE, (status, pools.service.logs(job_id))
    assert json.loads(pools.service.result(job_id) or "") == ["1.0", "1.0", "1.0"]
    assert (status.image, status.image_digest) == ("local", image.digest)
    now = environment.freeze(pools.home)
    assert (now.packages, version_in(now)) == ({"uplift": "2.0"}, "2.0")
    shutil.rmtree(environment.directory)
    assert environment.images(pools.home).pinned("local", image.digest).digest == image.digest


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.attack
def test_a_job_never_starts_in_an_image_that_was_edited_in_place(
    environment: Environment, pools: Pools, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = environment.freeze(pools.home)
    edit(image.prefix / image.libraries / "uplift.py")
    lock = lock_of(image)
    status = pools.run("import uplift\n", dependency_lock=lock.to_json(), image="local")
    assert (status.status, status.reason) == (JobState.FAILED, "refused")
    assert "changed: lib/" in status.message
    assert "uplift.py" in status.message
    # Without the control it runs, and nobody is told.
    monkeypatch.setattr(seal, "check", lambda image: None)
    environments = Environments(pools.home, ObjectStore(pools.home / "objects"))
    assert version_in(environments.image_of(lock)) == "9.9"


def edit(path: Path) -> None:
    """As quietly as it goes: the size and the time of the last change are as before. Byte code does not hide it."""
    before = path.stat()
    path.chmod(0o644)
    path.write_text(path.read_text().replace("1.0", "9.9"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)


def redirect(path: Path) -> None:
    path.unlink()
    path.symlink_to("/usr/bin/env")


def test_what_was_changed_in_an_image_is_named(environment: Environment, small_home: Path) -> None:
    frozen = environment.freeze(small_home)
    package = f"{frozen.libraries}/helper.py"
    changes: dict[str, Callable[[Path], object]] = {
        rf"changed: {package}": lambda root: edit(root / "venv" / package),
        rf"removed: {package}": lambda root: (root / "venv" / package).unlink(),
        r"added: lib/.*/evil\.pth": lambda root: (
            (root / "venv" / package).with_name("evil.pth").write_text("import os")
        ),
        r"changed: bin/python": lambda root: redirect(root / "venv" / "bin" / "python"),
        r"its list of files cannot be used": lambda root: (root / seal.FILES).write_text("{}"),
    }
    for number, (told, change) in enumerate(changes.items()):
        root = small_home / str(number)
        shutil.copytree(frozen.prefix.parent, root, symlinks=True)
        change(root)
        with pytest.raises(ImageChangedError, match=told) as caught:
            seal.check(replace(frozen, root=root))
        assert caught.value.fix == f"the operator runs: cleanroom-ml image repair {frozen.digest[:19]}"
    seal.check(frozen)


def test_what_the_operator_built_is_checked_as_well(index: Index, small_home: Path, store: Path) -> None:
    here = ".".join(map(str, sys.version_info[:2]))
    manifest = ImageManifest("1.1", here, ("uplift",), {"uplift": "1.0"})
    image, _ = build_image(small_home, manifest, environ=index.environ)
    environments = Environments(small_home, ObjectStore(small_home / "objects"))
    lock = lock_of(image)
    assert environments.image_of(lock).root == image.root
    edit(image.prefix / image.libraries / "uplift.py")
    with pytest.raises(ImageChangedError, match=r"changed: lib/.*/uplift\.py"):
        environments.image_of(lock)


def test_what_only_looks_changed_is_read_again_and_is_well(environment: Environment, small_home: Path) -> None:
    image = environment.freeze(small_home)
    moved = replace(image, root=small_home / "copy")
    shutil.copytree(image.prefix.parent, small_home / "copy", symlinks=True)
    seal.check(moved)
    sealed = (small_home / "copy" / seal.SEAL).read_bytes()
    seal.check(moved)
    assert (small_home / "copy" / seal.SEAL).read_bytes() == sealed
    assert sealed != (image.prefix.parent / seal.SEAL).read_bytes()


def test_an_interpreter_that_was_replaced_is_noticed(
    environment: Environment, small_home: Path, tmp_path: Path
) -> None:
    image = environment.freeze(small_home)
    other = tmp_path / "python"
    shutil.copytree(Path(image.base, "lib", f"python{image.python[:4]}", "json"), other / "lib/python3.11/json")
    files = interpreter_files(other, image.executable, "3.11.0")
    assert len(files) > 3
    before = interpreter_sha256(files, other)
    (other / "lib/python3.11/json/decoder.py").write_text("raise SystemExit\n")
    assert interpreter_sha256(files, other) != before
    with pytest.raises(ImageChangedError, match=r"Python 3\.11\.0 itself"):
        seal.check(replace(image, base=other, python="3.11.0"))


@pytest.mark.slow
def test_a_file_that_is_written_into_in_the_environment_is_noticed_and_one_that_is_replaced_is_not(
    environment: Environment, small_home: Path
) -> None:
    """Files are linked: what installers do leaves ours alone, what an editor does to the very file changes both."""
    image = environment.freeze(small_home)
    theirs, ours = environment.libraries / "uplift.py", image.prefix / image.libraries / "uplift.py"
    assert theirs.samefile(ours)
    environment.pip("install", "--force-reinstall", "--no-deps", "uplift==1.0")
    assert not theirs.samefile(ours)
    seal.check(image)
    with (environment.libraries / "helper.py").open("a") as file:
        file.write("EDITED = True\n")
    with pytest.raises(ImageChangedError, match=r"changed: .*helper\.py"):
        seal.check(image)
    with pytest.raises(RuntimeError, match=r"changed: helper\.py \(helper 1\.0\)") as caught:
        environment.freeze(small_home, again=True)
    assert "pip install --force-reinstall --no-deps helper==1.0" in str(caught.value)
    environment.pip("install", "--force-reinstall", "--no-deps", "helper==1.0")
    assert environment.freeze(small_home, again=True).digest == image.digest
    seal.check(image)


def test_what_is_not_as_recorded_is_not_frozen_and_what_has_no_record_is_left_out(
    environment: Environment, small_home: Path, tmp_path: Path
) -> None:
    (environment.libraries / "helper.py").unlink()
    with pytest.raises(RuntimeError, match=r"missing: helper\.py \(helper 1\.0\)"):
        environment.freeze(small_home)
    environment.pip("uninstall", "--yes", "helper")
    project = tmp_path / "project"
    project.mkdir()
    about = environment.libraries / "mine-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (about / "RECORD").write_text("mine-1.0.dist-info/METADATA,,\n__editable__.mine.pth,,\n")
    (about / "direct_url.json").write_text(json.dumps({"url": project.as_uri(), "dir_info": {"editable": True}}))
    (environment.libraries / "__editable__.mine.pth").write_text(str(project))
    old = environment.libraries / "distro_made-1.0.egg-info"
    old.mkdir()
    (old / "PKG-INFO").write_text("Metadata-Version: 1.1\nName: distro-made\nVersion: 1.0\n")
    image = environment.freeze(small_home)
    assert image.packages == {"uplift": "1.0"}
    held = {path.name for path in (image.prefix / image.libraries).iterdir()}
    assert held - {"__pycache__"} == {"uplift.py", "uplift-1.0.dist-info"}


def test_two_installations_of_the_same_are_one_image_and_homes_share_it(
    environment: Environment, index: Index, tmp_path: Path, store: Path
) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    other = Environment.make(tmp_path / "other", index, store)
    other.pip("install", "helper", "uplift==1.0")
    one, two = environment.freeze(first), other.freeze(second)
    assert (one.digest, one.root) == (two.digest, two.root)
    assert environment.images(first).remove(one) == 0, "the other home has it still"
    seal.check(other.images(second).pinned("local", two.digest))
    assert other.images(second).remove(two) > 0
    assert two.root is not None
    assert not two.root.exists()


def test_the_next_image_takes_over_what_did_not_change(environment: Environment, small_home: Path) -> None:
    before = environment.freeze(small_home)
    environment.pip("install", "uplift==2.0")
    after = environment.freeze(small_home)
    for image in (before, after):
        sealed = (image.prefix.parent / seal.SEAL).read_bytes()
        seal.check(image)
        assert (image.prefix.parent / seal.SEAL).read_bytes() == sealed, "linking does not make it look changed"
    ours, theirs = (image.prefix / image.libraries / "helper.py" for image in (before, after))
    assert ours.samefile(theirs)
    assert (version_in(before), version_in(after)) == ("1.0", "2.0")


@pytest.mark.attack
def test_a_file_that_others_may_write_is_copied_not_linked(environment: Environment, small_home: Path) -> None:
    """Else another user of the machine changes what a running job imports, after its image was checked."""
    for path in (environment.libraries / "helper.py", environment.libraries / "uplift.py"):
        path.chmod(0o646 if path.name == "helper.py" else 0o644)
    image = environment.freeze(small_home)
    ours = {name: image.prefix / image.libraries / name for name in ("helper.py", "uplift.py")}
    assert ours["uplift.py"].samefile(environment.libraries / "uplift.py")
    assert not ours["helper.py"].samefile(environment.libraries / "helper.py")
    assert ours["helper.py"].stat().st_mode & 0o222 == 0
    with (environment.libraries / "helper.py").open("a") as file:
        file.write("EDITED = True\n")
    seal.check(image)


@pytest.mark.attack
def test_an_image_that_others_may_write_is_not_used(environment: Environment, small_home: Path, store: Path) -> None:
    """An image with its list of files can be replaced as a whole there: it would agree with itself."""
    image = environment.freeze(small_home)
    assert image.root is not None
    for directory, mode in ((store, 0o777), (image.root, 0o772)):
        before = directory.stat().st_mode
        directory.chmod(mode)
        with pytest.raises(ImageChangedError, match="not only its operator can write"):
            environment.images(small_home).pinned("local", image.digest)
        directory.chmod(before)
    assert environment.images(small_home).pinned("local", image.digest) == image


@pytest.mark.parametrize("name", ["CLEANROOM_ML_IMAGES", "XDG_DATA_HOME"])
def test_a_supervisor_finds_the_images_where_the_engine_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """It runs in another working directory: a relative path must mean the same."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLEANROOM_ML_IMAGES", raising=False)
    monkeypatch.setenv(name, "images")
    root = frozen_root(os.environ)
    told = launching._environment()
    monkeypatch.chdir("/")
    assert frozen_root(told) == root
    assert root.is_absolute()
