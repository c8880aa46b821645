"""What is published: the wheel works where it lands, and every place names the same Pythons."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from cleanroom_ml import __version__
from cleanroom_ml.local.doctor import PYTHONS

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MINORS = range(PYTHONS[0][1], PYTHONS[1][1] + 1)
OF_THE_WHEEL = ("pyproject.toml", "README.md", "LICENSE")


def run(*command: str | Path, cwd: Path, **variables: str) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env={**environ, **variables}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without a network from a tree that has been worked in."""
    tree = tmp_path_factory.mktemp("tree")
    for name in OF_THE_WHEEL:
        shutil.copy(ROOT / name, tree)
    for name in ("cleanroom_ml", "sample_projects", "completions"):
        shutil.copytree(ROOT / name, tree / name, symlinks=True, ignore=shutil.ignore_patterns("data", "*.csv"))
    # `data` of the overlay and of the runtime are modules; `data` of a sample is what its generate.py wrote.
    for place in ("cleanroom_ml/runtime/data", "cleanroom_ml/runtime/overlay/snowflake/ml/data"):
        shutil.copytree(ROOT / place, tree / place)
    for litter in (
        "sample_projects/lookalike/publisher/data/transactions.parquet",
        "sample_projects/lookalike/publisher/audience.csv",
        "sample_projects/lookalike/publisher/code/__pycache__/train.cpython-311.pyc",
        "cleanroom_ml/runtime/overlay/__pycache__/sitecustomize.cpython-311.pyc",
    ):
        (tree / litter).parent.mkdir(parents=True, exist_ok=True)
        (tree / litter).write_bytes(b"")
    out = tmp_path_factory.mktemp("wheel")
    quiet = ("--quiet", "--disable-pip-version-check", "--no-index")
    build = ("--no-deps", "--no-build-isolation", "--wheel-dir", out, ".")
    run(sys.executable, "-m", "pip", "wheel", *quiet, *build, cwd=tree)
    (made,) = out.glob("*.whl")
    return made


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    held = {name for name in zipfile.ZipFile(wheel).namelist() if not name.endswith("/") and ".dist-info/" not in name}
    assert held == of_the_package()
    for needed in (
        "cleanroom_ml/py.typed",
        "cleanroom_ml/engine/jobs/images/manifests/2.10.json",
        "cleanroom_ml/runtime/overlay/sitecustomize.py",
        "cleanroom_ml/runtime/overlay/snowflake/ml/data/sharded_data_connector.py",
        "cleanroom_ml/sample_projects/custom-workflow/wellness/code/wheels/dietscore-1.2.0-py3-none-any.whl",
    ):
        assert needed in held


def of_the_package() -> set[str]:
    """What the tree holds, its links followed, without what tools and samples write into it."""
    found = set()
    for parent, directories, names in os.walk(ROOT / "cleanroom_ml", followlinks=True):
        place = Path(parent).relative_to(ROOT)
        sample = place.parts[1:2] == ("sample_projects",)
        written = {"__pycache__", ".mypy_cache", ".ruff_cache"} | ({"data"} if sample else set())
        directories[:] = [each for each in directories if each not in written]
        found |= {str(place / name) for name in names if not (sample and name.endswith((".csv", ".parquet")))}
    return found


def test_the_wheel_works_where_it_is_installed(wheel: Path, tmp_path: Path) -> None:
    """In an environment of its own, which has the libraries of this one and nothing of this tree."""
    env = tmp_path / "env"
    run(sys.executable, "-m", "venv", "--without-pip", env, cwd=tmp_path)
    packages = Path(
        run(env / "bin/python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip()
    )
    (packages / "libraries.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    quiet = ("--quiet", "--disable-pip-version-check", "--no-index", "--no-deps", "--no-compile")
    run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        env / "bin/python",
        "install",
        *quiet,
        "--force-reinstall",
        wheel,
        cwd=tmp_path,
    )

    where = run(env / "bin/python", "-c", "import cleanroom_ml; print(cleanroom_ml.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(env)
    command = env / "bin/cleanroom-ml"
    assert __version__ in run(command, "--version", cwd=tmp_path)
    person = {"HOME": str(tmp_path), "CLEANROOM_ML_HOME": str(tmp_path / "home")}
    run(command, "init", "mine", "--from", "lookalike", cwd=tmp_path, **person)
    for party in ("publisher", "advertiser"):
        run(command, "validate", cwd=tmp_path / "mine" / party, **person)


def test_every_place_names_the_same_pythons() -> None:
    allowed = SpecifierSet(PROJECT["requires-python"])
    assert [minor for minor in range(30) if f"3.{minor}" in allowed] == list(MINORS)
    named = [each.rsplit(" ", 1)[1] for each in PROJECT["classifiers"] if "Python :: 3." in each]
    assert named == [f"3.{minor}" for minor in MINORS]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^MINORS := (.+)$", makefile, re.M).group(1).split() == [str(each) for each in reversed(MINORS)]
    for page in ("README.md", "CONTRIBUTING.md"):
        assert f"Python 3.{MINORS[0]} to 3.{MINORS[-1]}" in (ROOT / page).read_text(encoding="utf-8"), page


def pinned(file: Path, minor: int) -> dict[str, str]:
    """The versions that a file pins on Linux with Python 3.`minor`, each once."""
    machine = {"python_version": f"3.{minor}", "python_full_version": f"3.{minor}.0", "sys_platform": "linux"}
    found: dict[str, str] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        text = line.partition("#")[0].removesuffix("\\").strip()
        if not text or text.startswith("--hash"):
            continue
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate(machine):
            continue
        name = canonicalize_name(requirement.name)
        assert name not in found, name
        found[name] = str(requirement.specifier).removeprefix("==")
    return found


def wanted(extra: str) -> list[Requirement]:
    return [Requirement(text) for text in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"][extra])]


@pytest.mark.parametrize("minor", MINORS)
@pytest.mark.parametrize("extra", PROJECT["optional-dependencies"])
def test_what_is_wanted_is_pinned_once_and_locked_at_that_version_for_each_python(extra: str, minor: int) -> None:
    constraints = pinned(ROOT / "constraints.txt", minor)
    locked = pinned(ROOT / "locks" / f"{extra}.txt", minor)
    assert {name: constraints.get(name) for name in locked} == locked, "make lock"
    for requirement in wanted(extra):
        name = canonicalize_name(requirement.name)
        assert requirement.specifier.contains(constraints[name]), requirement
        assert name in locked or name == "torch", "make lock"


@pytest.mark.parametrize("extra", PROJECT["optional-dependencies"])
def test_every_package_that_is_locked_has_its_hashes(extra: str) -> None:
    text = (ROOT / "locks" / f"{extra}.txt").read_text(encoding="utf-8")
    packages = re.split(r"^(?=[a-z])", text.partition("\n")[2], flags=re.M)[1:]
    assert len(packages) > 20
    assert [each.split()[0] for each in packages if not re.search(r"^ +--hash=sha256:[0-9a-f]{64}\b", each, re.M)] == []
    assert "torch==" not in text


def test_make_installs_by_hash_from_wheels_and_torch_alone_by_its_version() -> None:
    done = subprocess.run(
        ["make", "--dry-run", "test", "VENV=.venv-none", "EXTRAS=engine,runtime,samples,dev"],
        cwd=ROOT, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    installs = [line.partition(" pip install ")[2] for line in done.stdout.splitlines() if " pip install " in line]
    assert len(installs) == 3
    locked, torch, ourselves = installs
    assert {"--require-hashes", "--no-deps", "--only-binary"} <= set(locked.split())
    assert re.findall(r"-r (\S+)", locked) == [f"locks/{each}.txt" for each in ("engine", "runtime", "samples", "dev")]
    assert "torch==" in torch
    assert {"--no-deps", "--no-build-isolation", "--editable"} <= set(ourselves.split())


class Machine:
    """A PATH with `make` on it, and with interpreters that say which version they are and make no real environment."""

    def __init__(self, directory: Path) -> None:
        self.root = directory
        self.bin = directory / "bin"
        self.bin.mkdir()
        for tool in ("bash", "make", "rm", "mkdir", "chmod"):
            (self.bin / tool).symlink_to(str(shutil.which(tool)))
        shutil.copy(ROOT / "Makefile", directory)

    def add(self, name: str, version: tuple[int, int], *, venv: bool = True) -> Path:
        place = self.bin / name
        lines = (
            f"#!{shutil.which('bash')}",
            'if [ "$1" = -m ]; then',
            f'  mkdir -p "$3/bin"; echo {name} > "$3/made-by"',
            f"  printf '#!/bin/sh\\nexec {place} \"$@\"' > $3/bin/python; chmod +x $3/bin/python",
            f"  exit {0 if venv else 1}",
            "fi",
            f'exec {sys.executable} -c "import sys; sys.version_info = (*{version}, 0); exec(sys.argv[1])" "$2"',
        )
        place.write_text("\n".join(lines), encoding="utf-8")
        place.chmod(0o755)
        return place

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["make", "--no-print-directory", ".venv/bin/python", "MAKECMDGOALS=demo", *arguments]
        return subprocess.run(
            command, cwd=self.root, env={"PATH": str(self.bin)}, capture_output=True, text=True, check=False
        )

    def made_by(self) -> str:
        return (self.root / ".venv/made-by").read_text(encoding="utf-8").strip()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize(
    ("there", "taken"),
    [
        ({"python3": (3, 13)}, "python3"),
        ({"python3": (3, 14), "python3.12": (3, 12)}, "python3"),
        ({"python3": (3, 9), "python3.11": (3, 11), "python3.13": (3, 13)}, "python3.13"),
        ({"python3": (3, 15), "python3.12": (3, 12), "python3.11": (3, 11)}, "python3.12"),
        ({"python3.11": (3, 11)}, "python3.11"),
    ],
)
def test_make_takes_python3_or_the_newest_that_fits(
    machine: Machine, there: dict[str, tuple[int, int]], taken: str
) -> None:
    for name, version in there.items():
        machine.add(name, version)
    done = machine.make()
    assert (done.returncode, done.stderr) == (0, "")
    assert machine.made_by() == taken


@pytest.mark.parametrize("there", [{}, {"python3": (3, 9), "python3.10": (3, 10)}, {"python3": (3, 15)}])
def test_where_no_python_fits_make_says_which_ones_do(machine: Machine, there: dict[str, tuple[int, int]]) -> None:
    for name, version in there.items():
        machine.add(name, version)
    done = machine.make()
    assert done.returncode == 2
    assert f"needs Python 3.{MINORS[0]} to 3.{MINORS[-1]}" in done.stderr
    assert "make demo PYTHON=" in done.stderr
    assert not (machine.root / ".venv").exists()


def test_the_interpreter_that_was_asked_for_is_taken_or_refused(machine: Machine) -> None:
    machine.add("python3", (3, 13))
    old = machine.add("old", (3, 10))
    refused = machine.make(f"PYTHON={old}")
    assert refused.returncode == 2
    assert str(old) in refused.stderr
    own = machine.add("own", (3, 12))
    assert machine.make(f"PYTHON={own}").returncode == 0
    assert machine.made_by() == "own"


def test_an_environment_of_another_interpreter_is_not_taken_for_the_one_asked_for(machine: Machine) -> None:
    machine.add("python3", (3, 13))
    assert machine.make().returncode == 0
    own = machine.add("own", (3, 12))
    done = machine.make(f"PYTHON={own}")
    assert done.returncode == 2
    assert "was made with Python 3.13" in done.stderr
    assert "VENV=.venv-3.12" in done.stderr
    assert machine.make().returncode == 0


def test_an_environment_that_could_not_be_made_leaves_nothing_behind(machine: Machine) -> None:
    machine.add("python3", (3, 12), venv=False)
    done = machine.make()
    assert done.returncode == 2
    assert "python3-venv" in done.stderr
    assert not (machine.root / ".venv").exists()
