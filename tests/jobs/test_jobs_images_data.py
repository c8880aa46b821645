"""A data file that an operator's machine adds to is taken as it is, and told; code never is."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path

import pytest
from jobs_environments import Environment
from jobs_wheels import Index

from cleanroom_ml.engine.jobs.images import seal
from cleanroom_ml.engine.jobs.images.catalog import differing_packages
from cleanroom_ml.engine.jobs.images.data_files import is_data_by_name
from cleanroom_ml.engine.jobs.layers.lock import DependencyLock

FILES = {"trust/__init__.py": "def where(): ...\n", "trust/cacert.pem": "-----BEGIN\n", "trust/py.typed": ""}


def install(libraries: Path) -> None:
    """`trust` 1.0, as an installer leaves it."""
    rows = []
    for path, content in {
        **FILES,
        "trust-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: trust\nVersion: 1.0\n",
    }.items():
        (libraries / path).parent.mkdir(exist_ok=True)
        (libraries / path).write_text(content)
        digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(content)}\n")
    (libraries / "trust-1.0.dist-info/RECORD").write_text("".join(rows) + "trust-1.0.dist-info/RECORD,,\n")


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    made = Environment.make(tmp_path / "engine", Index(tmp_path / "index"), tmp_path / "store")
    install(made.libraries)
    (tmp_path / "home").mkdir()
    return made


def add_authority(path: Path, name: str) -> None:
    """What a company's start-up hook does: in place."""
    with path.open("a") as file:
        file.write(f"# {name}\n")


def test_data_that_differs_is_taken_as_it_is_and_stated(environment: Environment, tmp_path: Path) -> None:
    home, bundle = tmp_path / "home", environment.libraries / "trust/cacert.pem"
    pristine = environment.freeze(home)
    assert (pristine.altered, pristine.notes()) == ({}, [])
    add_authority(bundle, "Company CA")
    seal.check(pristine)  # what was approved stays what it is, though the file was written in place
    company = environment.freeze(home)
    held = company.prefix / company.libraries / "trust/cacert.pem"
    assert held.read_text() == "-----BEGIN\n# Company CA\n"
    real = hashlib.sha256(held.read_bytes()).hexdigest()
    assert company.altered == {"trust": {"trust/cacert.pem": real}}
    assert company.digest != pristine.digest
    assert company.notes() == ["trust 1.0: cacert.pem differs from what was installed"]
    assert differing_packages(pristine, company) == ["trust 1.0: cacert.pem differs from what was installed"]
    lock = DependencyLock(company.tag, company.digest, company.python, image_notes=tuple(company.notes()))
    assert lock.to_json()["image"]["notes"] == company.notes()
    assert DependencyLock.from_json(lock.to_json()) == lock
    # Again the same is the same image; another change is another one.
    assert environment.freeze(home).digest == company.digest
    add_authority(bundle, "Another CA")
    other = environment.freeze(home)
    assert other.digest not in (company.digest, pristine.digest)
    told = "trust 1.0: cacert.pem differs from what was installed, in another way than before"
    assert differing_packages(company, other) == [told]
    seal.check(company)
    install(environment.libraries)
    assert environment.freeze(home).digest == pristine.digest


def test_a_link_to_the_machines_own_certificates_is_followed(environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "ca-certificates.crt").write_text("of the machine\n")
    bundle = environment.libraries / "trust/cacert.pem"
    bundle.unlink()
    bundle.symlink_to(tmp_path / "ca-certificates.crt")
    image = environment.freeze(tmp_path / "home")
    held = image.prefix / image.libraries / "trust/cacert.pem"
    assert (held.is_symlink(), held.read_text()) == (False, "of the machine\n")
    assert list(image.altered) == ["trust"]


@pytest.mark.attack
@pytest.mark.parametrize("how", ["module", "executable", "magic", "pickle", "metadata"])
def test_code_that_differs_is_refused_by_name(environment: Environment, tmp_path: Path, how: str) -> None:
    libraries = environment.libraries
    path = libraries / "trust/cacert.pem"
    match how:
        case "module":
            path = libraries / "trust/__init__.py"
            add_authority(path, "import os")
        case "executable":
            add_authority(path, "x")
            path.chmod(0o755)
        case "magic":
            path.write_bytes(b"#!/bin/sh\n")
        case "pickle":
            path.write_bytes(b"\x80\x04N.")
        case "metadata":
            path = libraries / "trust-1.0.dist-info/METADATA"
            add_authority(path, "x")
    with pytest.raises(RuntimeError, match=rf"changed: {path.relative_to(libraries)} \(trust 1\.0\)"):
        environment.freeze(tmp_path / "home")


@pytest.mark.attack
def test_a_quiet_change_of_data_is_refused_rather_than_taken_unseen(environment: Environment, tmp_path: Path) -> None:
    path = environment.libraries / "trust/cacert.pem"
    before = path.stat()
    path.write_text("-----ENDED\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(RuntimeError, match=r"changed: trust/cacert\.pem \(trust 1\.0\)"):
        environment.freeze(tmp_path / "home")


def test_what_counts_as_data() -> None:
    for path in (
        "certifi/cacert.pem",
        "x/data.json",
        "x/zone/Europe",
        "x/py.typed",
        "../../../share/x/y.txt",
        "x/a.csv",
    ):
        assert is_data_by_name(path), path
    code = "a.py a/b.PY a.pyc x.pth x.so x/y.so.1.2 x.cpython-311-x86_64-linux-gnu.so x.pyd x.zip x.pkl x.pt x.h x.js"
    for path in (
        *code.split(),
        "a-1.dist-info/METADATA",
        "a.egg-info/PKG-INFO",
        "../../../bin/tool",
        "x/__pycache__/y",
    ):
        assert not is_data_by_name(path), path
