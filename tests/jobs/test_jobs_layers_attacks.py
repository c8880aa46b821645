"""Hostile packages: each is refused, visibly; and each attack works once its control is gone."""

from __future__ import annotations

import logging
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from jobs_wheels import Index, needs, record_line, sdist_bytes, wheel_bytes, wheel_name

from cleanroom_ml.engine.jobs.environments import Environments
from cleanroom_ml.engine.jobs.errors import JobsError
from cleanroom_ml.engine.jobs.layers import pip, policy, sandboxed_pip, store, unpack
from cleanroom_ml.engine.storage.objects import ObjectStore

pytestmark = [pytest.mark.sandbox, pytest.mark.attack]


def refused(environments: Environments, objects: ObjectStore, caplog: pytest.LogCaptureFixture, *lines: str) -> str:
    """`name: what` of the refusal, which the operator's log has too; nothing is left of the layer."""
    with caplog.at_level(logging.WARNING), pytest.raises(JobsError) as caught:
        environments.lock(needs(objects, *lines))
    told = f"{caught.value.name}: {caught.value.what}"
    logged = [record.getMessage() for record in caplog.records if "dependencies refused" in record.getMessage()]
    assert len(logged) == 1
    assert caught.value.name in logged[0]
    return told


def test_a_source_package_is_never_built(
    environments: Environments,
    objects: ObjectStore,
    index: Index,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An sdist runs its setup.py merely to say what it depends on."""
    ran = tmp_path / "ran"
    setup = f"open({str(ran)!r}, 'w').write('with all rights of the engine')\nraise SystemExit(1)\n"
    (index.directory / "evil-1.0.tar.gz").write_bytes(sdist_bytes("evil", "1.0", setup))
    assert refused(environments, objects, caplog, "evil").startswith("BinaryPackagesOnlyError")
    assert not ran.exists()
    # Without the control it would be built, were processes started there (test_jobs_layers_resolver.py).
    weak = [option for option in sandboxed_pip.ALWAYS if option not in ("--only-binary", ":all:")]
    monkeypatch.setattr(sandboxed_pip, "ALWAYS", (*weak, "--no-build-isolation"))
    with caplog.at_level(logging.WARNING), pytest.raises(JobsError):
        environments.lock(needs(objects, "evil"))
    assert "no process is started here" in caplog.text
    assert not ran.exists()


def test_a_name_on_no_index(environments: Environments, objects: ObjectStore, caplog: pytest.LogCaptureFixture) -> None:
    assert "no index of this engine has a package" in refused(environments, objects, caplog, "left-pad-evil")


def test_a_file_that_is_not_what_the_index_says(
    objects: ObjectStore, index: Index, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = index.add("uplift")
    honest = Environments(tmp_path / "home", objects, environ=index.simple())
    assert len(honest.lock(needs(objects, "uplift"))["packages"]) == 1
    for page in (index.directory / "simple").rglob("*.html"):
        page.unlink()
    lying = Environments(tmp_path / "home", objects, environ=index.simple({path.name: "0" * 64}))
    told = refused(lying, objects, caplog, "uplift")
    assert told.startswith("ContentHashMismatchError")
    assert "is not what its index says" in told


def link(name: str, target: bytes) -> tuple[zipfile.ZipInfo, bytes]:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info, target


def plain(name: str, content: bytes = b"x = 1\n") -> tuple[zipfile.ZipInfo, bytes]:
    return zipfile.ZipInfo(name), content


UNSAFE = {
    "a path out of the layer": {"raw": [plain("../../escaped.py")]},
    "an absolute path": {"raw": [plain("/tmp/escaped.py")]},
    "a backslash": {"raw": [plain("evil\\escaped.py")]},
    "a path that is not normal": {"raw": [plain("evil/./escaped.py")]},
    "a path out through the data directory": {"raw": [plain("evil-1.0.data/purelib/../../../escaped.py")]},
    "a link": {"raw": [link("evil/link", b"/etc/passwd")]},
    "a link as a directory": {"raw": [link("evil", b"/tmp"), plain("evil/escaped.py")]},
    "a .pth file": {"files": {"evil.pth": "import os; os.system('id')\n"}},
    "a .pth file out of the data directory": {"files": {"evil-1.0.data/purelib/evil.pth": "import os\n"}},
    "sitecustomize": {"files": {"sitecustomize.py": "raise SystemExit('started')\n"}},
    "sitecustomize as a package": {"files": {"sitecustomize/__init__.py": ""}},
    "sitecustomize as a binary": {"files": {"sitecustomize.cpython-311-x86_64-linux-gnu.so": ""}},
    "sitecustomize by another way": {"files": {"evil-1.0.data/platlib/sitecustomize.py": ""}},
    "usercustomize": {"files": {"usercustomize.py": ""}},
    "snowflake": {"files": {"snowflake/__init__.py": "", "snowflake/snowpark/__init__.py": ""}},
    "a part of snowflake": {"files": {"snowflake/ml/modeling/tune/__init__.py": ""}},
    "the runtime": {"files": {"cleanroom_runtime/launcher.py": ""}},
    "the ingestor's hook": {"files": {"runtime_external_entities.py": ""}},
    "the standard library": {"files": {"encodings/__init__.py": ""}},
    "another package's metadata": {"files": {"numpy-9.9.dist-info/METADATA": "Name: numpy\n"}},
    "a file twice": {"files": {"evil.py": "x = 1\n"}, "raw": [plain("evil.py", b"x = 2\n")]},
}


@pytest.mark.parametrize("what", UNSAFE)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_unsafe_wheel_is_refused(
    objects: ObjectStore, tmp_path: Path, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    """By the unpacker, whatever pip thinks of it."""
    path = tmp_path / wheel_name("evil")
    path.write_bytes(wheel_bytes("evil", **UNSAFE[what]))  # type: ignore[arg-type]
    out = tmp_path / "out"
    out.mkdir()
    unpacker = unpack.Unpacker(out, reserved=policy.TOP_LEVEL, max_bytes=1 << 20, max_files=100)
    with pytest.raises(unpack.Refused) as caught:
        unpacker.add(path, path.name, "evil", "1.0")
    assert caught.value.kind == "unsafe"
    assert not (tmp_path / "escaped.py").exists()


@pytest.mark.parametrize("what", ["a path out of the layer", "sitecustomize", "snowflake", "a link"])
def test_an_unsafe_wheel_is_refused_all_the_way(
    environments: Environments,
    objects: ObjectStore,
    index: Index,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    what: str,
) -> None:
    index.add("evil", **UNSAFE[what])  # type: ignore[arg-type]
    assert refused(environments, objects, caplog, "evil").startswith("UnsafeWheelError: ML job 'train': evil-1.0")
    assert list((tmp_path / "home" / "layers").iterdir()) == []


def test_without_the_checks_a_path_leads_out_of_the_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / wheel_name("evil")
    path.write_bytes(wheel_bytes("evil", raw=[plain("../escaped.py")]))
    out = tmp_path / "out"
    out.mkdir()
    monkeypatch.setattr(unpack, "_checked", lambda _, entry: entry.orig_filename)
    unpack.Unpacker(out, reserved=frozenset(), max_bytes=1 << 20, max_files=100).add(path, path.name, "evil", "1.0")
    assert (tmp_path / "escaped.py").read_text() == "x = 1\n"


def test_even_an_unpacker_without_checks_stays_in_its_sandbox(
    objects: ObjectStore, index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second line: what the checks miss is written into a sandbox's scratch directory, and is not taken from it."""
    weak = tmp_path / "weak" / "unpack.py"
    weak.parent.mkdir()
    source = Path(unpack.__file__).read_text()
    weak.write_text(source.replace("    name = entry.orig_filename\n", "    return entry.orig_filename\n", 1))
    monkeypatch.setattr(store, "UNPACKER", weak)
    index.add("evil", files={"evil.py": ""}, raw=[plain("../escaped.py")])
    environments = Environments(tmp_path / "home", objects, environ=index.environ)
    lock = environments.lock(needs(objects, "evil"))
    assert list(tmp_path.rglob("escaped.py")) == []
    held = [path.name for path in (tmp_path / "home" / "layers" / lock["layer"] / "tree").iterdir()]
    assert "evil.py" in held


@pytest.mark.parametrize(("module", "hook"), [("sitecustomize", True), ("usercustomize", False), ("encodings", True)])
def test_without_the_reserved_names_a_module_of_the_layer_starts_first(tmp_path: Path, module: str, hook: bool) -> None:
    """What they are for: an interpreter with the layer on its path runs such a module before anything of ours."""
    path = tmp_path / wheel_name("evil")
    path.write_bytes(wheel_bytes("evil", files={f"{module}.py": "import os; os._exit(66)\n"}))
    out = tmp_path / "out"
    out.mkdir()
    unpack.Unpacker(out, reserved=frozenset(), max_bytes=1 << 20, max_files=100).add(path, path.name, "evil", "1.0")
    argv = [sys.executable, "-P", "-c", "pass"]
    done = subprocess.run(argv, env={"PYTHONPATH": str(out)}, check=False, capture_output=True)
    assert (done.returncode == 66) == hook, "usercustomize starts where there are user site-packages only"


def test_everything_that_the_overlay_holds_is_reserved() -> None:
    assert {"snowflake", "runtime_external_entities", "cleanroom_runtime"} | policy.HOOKS <= policy.TOP_LEVEL
    overlay = Path(policy.__file__).parents[3] / "runtime" / "overlay"
    assert {path.name.split(".")[0] for path in overlay.glob("[a-z]*")} <= policy.RUNTIME


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ({"record": {"evil.py": record_line("evil.py", b"something else")}}, "is not what its RECORD says"),
        ({"record": {"evil.py": "evil.py,,"}}, "RECORD does not list evil.py"),
        ({"record": {"evil.py": "evil.py,md5=abc,3"}}, "its RECORD uses md5"),
    ],
)
def test_a_wheel_whose_record_lies(
    environments: Environments, objects: ObjectStore, index: Index, made: dict[str, object], says: str
) -> None:
    """pip would install each of these: it does not look at RECORD."""
    path = f"wheels/{wheel_name('evil')}"
    with pytest.raises(JobsError, match=says) as caught:
        environments.lock(needs(objects, path, code={path: wheel_bytes("evil", **made)}))  # type: ignore[arg-type]
    assert caught.value.name == "ContentHashMismatchError"


def test_a_bomb(tmp_path: Path) -> None:
    path = tmp_path / wheel_name("evil")
    path.write_bytes(wheel_bytes("evil", files={"evil.bin": bytes(100 << 20)}))
    assert path.stat().st_size < 1 << 20
    for room, says in ((1 << 20, "more fit"), (1 << 40, "no package does")):
        out = tmp_path / f"out{room}"
        out.mkdir()
        unpacker = unpack.Unpacker(out, reserved=frozenset(), max_bytes=room, max_files=100)
        with pytest.raises(unpack.Refused, match=says):
            unpacker.add(path, path.name, "evil", "1.0")


def test_a_bomb_that_lies_about_its_size(tmp_path: Path) -> None:
    """The header says 10 bytes; what comes out is counted while it comes."""
    path = tmp_path / wheel_name("evil")
    content = wheel_bytes("evil", files={"evil.bin": bytes(1 << 20)})
    size = (1 << 20).to_bytes(4, "little")
    path.write_bytes(content.replace(size, (10).to_bytes(4, "little")))
    out = tmp_path / "out"
    out.mkdir()
    unpacker = unpack.Unpacker(out, reserved=frozenset(), max_bytes=1 << 16, max_files=100)
    with pytest.raises(unpack.Refused, match="cannot be read"):
        unpacker.add(path, path.name, "evil", "1.0")
    assert sum(file.stat().st_size for file in out.rglob("*") if file.is_file()) <= 1 << 16


def test_too_many_files(tmp_path: Path) -> None:
    path = tmp_path / wheel_name("evil")
    path.write_bytes(wheel_bytes("evil", files={f"evil/{number}.py": "" for number in range(200)}))
    unpacker = unpack.Unpacker(tmp_path / "out", reserved=frozenset(), max_bytes=1 << 20, max_files=100)
    with pytest.raises(unpack.Refused, match="more fit"):
        unpacker.add(path, path.name, "evil", "1.0")


def test_a_wheel_that_says_it_is_another(environments: Environments, objects: ObjectStore) -> None:
    path = f"wheels/{wheel_name('uplift')}"
    with pytest.raises(JobsError) as caught:
        environments.lock(needs(objects, path, code={path: wheel_bytes("evil")}))
    assert caught.value.name == "UnsafeWheelError"


def test_two_wheels_may_not_overwrite_each_other(
    environments: Environments, objects: ObjectStore, index: Index
) -> None:
    index.add("one", files={"shared/__init__.py": "", "shared/a.py": "x = 1\n"})
    index.add("two", files={"shared/__init__.py": "", "shared/b.py": ""})
    environments.lock(needs(objects, "one", "two"))
    index.add("three", files={"shared/__init__.py": "", "shared/a.py": "x = 3\n"})
    with pytest.raises(JobsError, match=r"both hold shared/a\.py"):
        environments.lock(needs(objects, "one", "three"))


def test_the_environment_of_the_engine_does_not_reach_pip(
    objects: ObjectStore, index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor do pip's own variables that would change what is done with packages."""
    hook = tmp_path / "hook" / "sitecustomize.py"
    hook.parent.mkdir()
    hook.write_text("raise SystemExit('the engine runs other code')\n")
    environ = {**index.environ, "PYTHONPATH": str(hook.parent), "PIP_NO_BINARY": ":all:", "PIP_TARGET": str(tmp_path)}
    index.add("uplift")
    lock = Environments(tmp_path / "home", objects, environ=environ).lock(needs(objects, "uplift"))
    assert [each["name"] for each in lock["packages"]] == ["uplift"]
    kept = pip.operator_environment(environ, tmp_path)
    assert kept.keys() & {"PYTHONPATH", "PIP_NO_BINARY", "PIP_TARGET"} == set()
