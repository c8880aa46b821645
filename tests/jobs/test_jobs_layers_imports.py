"""What a spec asks for is imported before it is registered: beside the image, in a sandbox with nothing in it."""

from __future__ import annotations

import re
import sys
from pathlib import Path, PurePosixPath

import pytest
from jobs_wheels import Index, needs
from weakened_sandbox import Weakened

from cleanroom_ml.engine.jobs.environments import Environments
from cleanroom_ml.engine.jobs.errors import JobsError
from cleanroom_ml.engine.jobs.layers import import_program, store
from cleanroom_ml.engine.jobs.layers.policy import LayerLimits
from cleanroom_ml.engine.sandbox.bubblewrap import Bubblewrap
from cleanroom_ml.engine.storage.objects import ObjectStore

NMS = "import numpy\nraise RuntimeError('operator torchvision::nms does not exist')\n"


@pytest.mark.sandbox
def test_a_package_that_does_not_fit_the_image_is_not_registered(
    environments: Environments, objects: ObjectStore, index: Index, tmp_path: Path
) -> None:
    index.add("helper")
    index.add("seeing", requires=["helper"], files={"seeing/__init__.py": NMS})
    with pytest.raises(JobsError) as caught:
        environments.lock(needs(objects, "seeing", "helper"))
    assert caught.value.name == "PackageImportError"
    said = "ML job 'train': seeing cannot be imported beside the image: import seeing: RuntimeError: operator torchvis"
    assert caught.value.what.startswith(said)
    assert list((tmp_path / "home" / "layers").iterdir()) == []


@pytest.mark.slow
@pytest.mark.sandbox
def test_only_what_is_asked_for_is_imported_and_that_once(
    environments: Environments, objects: ObjectStore, index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dependency may be for other machines; asked for by name, in the very same layer, it counts."""
    index.add("helper", files={"helper.py": NMS})
    index.add("uplift", requires=["helper"])
    lock = environments.lock(needs(objects, "uplift"))
    with pytest.raises(JobsError, match="helper cannot be imported"):
        environments.lock(needs(objects, "uplift", "helper"))
    layers = [path.name for path in (tmp_path / "home" / "layers").iterdir()]
    assert layers == [lock["layer"]], "others use it"

    def again(*_: object, **__: object) -> None:
        raise AssertionError("it was imported before")

    monkeypatch.setattr(store, "check_imports", again)
    assert environments.lock(needs(objects, "uplift"))["layer"] == lock["layer"]


@pytest.mark.sandbox
@pytest.mark.attack
def test_importing_has_nothing_to_take(objects: ObjectStore, index: Index, tmp_path: Path) -> None:
    """A party's code runs here, with no approval: in a job's walls, without data, socket or network."""
    code = (
        "import os\n"
        "routes = open('/proc/net/route').read().count(chr(10)) - 1\n"
        f"home = os.path.exists({str(tmp_path / 'home')!r})\n"
        "held = sorted(set(os.listdir('/run/cleanroom')) | set(os.listdir('/scratch')))\n"
        "raise RuntimeError(f'uid={os.getuid()} etc={len(os.listdir(chr(47) + str(chr(101)) + chr(116) + chr(99)))} '\n"
        "    f'routes={routes} home={home} held={held}')\n"
    )
    index.add("evil", files={"evil.py": code})

    def seen(driver: Bubblewrap | None) -> tuple[int, ...]:
        environments = Environments(tmp_path / "home", objects, environ=index.environ, driver=driver)
        with pytest.raises(JobsError) as caught:
            environments.lock(needs(objects, "evil"))
        found = re.search(r"uid=(\d+) etc=(\d+) routes=(\d+) home=False held=\[([^\]]*)\]", caught.value.what)
        assert found is not None, caught.value.what
        held = set(re.findall(r"'([^']*)'", found[4]))
        assert held == {"current", "home", "tmp", "image", "import.py", "layer", "lib", "plan.json"}
        return tuple(int(each) for each in found.groups()[:3])

    uid, etc, routes = seen(None)
    assert uid != 0
    assert routes == 0
    assert seen(Weakened("host_files"))[1] > etc


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import os\nos._exit(0)\n", "importing it ended the process"),
        pytest.param("raise SystemExit(0)\n", "SystemExit: 0", marks=pytest.mark.slow),
        pytest.param("while True: pass\n", r"importing it was not done after 3 s", marks=pytest.mark.slow),
        pytest.param("held = bytearray(1 << 30)\n", "took more memory|MemoryError", marks=pytest.mark.slow),
        pytest.param("print('x' * (100 << 20))\n", "importing it said more", marks=pytest.mark.slow),
    ],
)
def test_an_import_that_does_not_come_back(
    objects: ObjectStore, index: Index, tmp_path: Path, code: str, says: str
) -> None:
    index.add("evil", files={"evil.py": code})
    limits = LayerLimits(import_seconds=3.0 if "True" in code else 60.0, import_memory=300 << 20)
    environments = Environments(tmp_path / "home", objects, environ=index.environ, limits=limits)
    with pytest.raises(JobsError, match=f"evil cannot be imported beside the image: .*({says})") as caught:
        environments.lock(needs(objects, "evil"))
    assert caught.value.name == "PackageImportError"


@pytest.mark.parametrize(
    ("package", "paths", "modules"),
    [
        ("uplift", ["uplift.py"], ["uplift"]),
        ("scikit-learn", ["sklearn/__init__.py", "sklearn/a/__init__.py"], ["sklearn"]),
        ("pyyaml", ["_yaml/__init__.py", "yaml/__init__.py", "yaml/_yaml.cpython-311-x86_64-linux-gnu.so"], ["yaml"]),
        ("attrs", ["attr/__init__.py", "attrs/__init__.py"], ["attrs"]),
        ("ipython", ["IPython/__init__.py"], ["IPython"]),
        (
            "google-cloud-storage",
            [
                "google/cloud/_storage_v2/__init__.py",
                "google/cloud/_storage/__init__.py",
                "google/cloud/storage/__init__.py",
            ],
            ["google.cloud.storage"],
        ),
        ("protobuf", ["google/protobuf/__init__.py", "google/_upb/_message.abi3.so"], ["google.protobuf"]),
        ("many", ["tests/__init__.py", "docs/conf.py", "b/__init__.py", "a/__init__.py"], ["a", "b"]),
        ("native", ["native.cpython-311-x86_64-linux-gnu.so"], ["native"]),
        ("types-requests", ["requests-stubs/__init__.pyi"], []),
        ("stubs", ["requests-stubs/__init__.py"], []),
        ("data-only", ["share/data.json", "readme.txt"], []),
        ("scripts-only", ["scripts_only-1.0.dist-info/METADATA"], []),
    ],
)
def test_what_is_imported_of_a_package(package: str, paths: list[str], modules: list[str]) -> None:
    assert import_program.modules_of([PurePosixPath(path) for path in paths], package) == modules


def test_what_a_package_laid_out_is_read_from_its_record(tmp_path: Path) -> None:
    about = tmp_path / "up_lift-1.0.dist-info"
    about.mkdir()
    (about / "RECORD").write_text('up_lift-1.0.data/purelib/up/__init__.py,,\n"a,b.py",,\n,,\n')
    assert import_program.files_of(tmp_path, "up-lift") == [PurePosixPath("up/__init__.py"), PurePosixPath("a,b.py")]
    assert import_program.files_of(tmp_path, "other") == []


@pytest.mark.parametrize(
    ("codes", "wrong"),
    [
        (["x = 1"], False),
        (["import not_there"], True),
        (["raise ImportError('undefined symbol: _ZN')"], True),
        (["import not_there", "x = 1"], False),
        ([], False),
        (["raise ImportError('libcuda.so.1: cannot open shared object file: No such file or directory')"], False),
        (["raise RuntimeError('Found no NVIDIA driver on your system')"], False),
        (["raise ImportError('libfoo.so.1: cannot open shared object file: No such file or directory')"], True),
    ],
)
def test_when_a_package_counts_as_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codes: list[str], wrong: bool
) -> None:
    """One module that imports is enough; a driver that only machines with a GPU have says nothing."""
    monkeypatch.syspath_prepend(str(tmp_path))
    names = [f"crml_import_{number}" for number in range(len(codes))]
    for name, code in zip(names, codes, strict=True):
        (tmp_path / f"{name}.py").write_text(code)
    assert (import_program.problem(names) is not None) == wrong
    for name in names:
        sys.modules.pop(name, None)
