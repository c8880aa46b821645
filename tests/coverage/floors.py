"""What the tests execute, package by package: a table, and an exit status of 1 where that is less than was agreed.

`make coverage` runs the quick group under `sitecustomize.py` and then this. As a program: `floors.py DATA [PACKAGE …]`,
where DATA is the directory of what was measured, and what follows are the packages to report (all of
`FLOORS`), or `--authorising`: only what authorises is asked for.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = ROOT / "cleanroom_ml"

FLOOR: Final = 90.0
"""Per cent of statements and branches, of each of these and so of all."""
IN_SANDBOXES: Final = "(in sandboxes)"
FLOORS: Final = ("artifacts", "connection", "engine", "evidence", "specs")

_COVERAGE: Final = (sys.executable, "-m", "coverage")
_CONFIG: Final = f"--rcfile={ROOT / 'pyproject.toml'}"

sys.path.insert(0, str(ROOT / "tests" / "security"))
from test_security_parsers import SANDBOXED  # noqa: E402 - the path is set above

INSIDE: Final[Mapping[str, str]] = {
    **SANDBOXED,
    "engine/rooms/render_worker.py": "renders templates in a sandbox",
    "engine/sandbox/init.py": "the first process of a sandbox",
    "engine/sandbox/job_init.py": "the first process of a job's sandbox",
    "engine/sandbox/probe_inside.py": "asks a sandbox from within",
    "engine/sandbox/zygote.py": "forks workers inside of a sandbox",
}
"""What runs in sandboxes alone, which see nothing of this measurement: of them is known only what a test calls in its
own process. They are a row of their own, without a floor.
"""

AUTHORISING: Final = (
    "engine/login/logins.py",
    "engine/login/identity.py",
    "engine/login/throttle.py",
    "engine/http/gate.py",
    "engine/http/callers.py",
    "engine/http/admin.py",
    "engine/http/peers.py",
    "engine/http/job_sockets.py",
    "engine/storage/grants.py",
    "engine/storage/rights.py",
    "engine/storage/roles.py",
    "engine/storage/future_grants.py",
    "engine/storage/passwords.py",
    "engine/statements/policy.py",
    "engine/rooms/access.py",
    "engine/rooms/caller_rights.py",
    "engine/rooms/column_guard.py",
    "engine/rooms/policies.py",
    "engine/rooms/privileges.py",
    "engine/rooms/role_checks.py",
    "engine/rooms/role_privileges.py",
    "engine/rooms/request_answers.py",
)
"""Who may do what is decided here: each branch is taken by a test."""


@dataclass
class Counted:
    """What there is in some files, and what of it was executed."""

    statements: int = 0
    executed: int = 0
    branches: int = 0
    taken: int = 0
    missed: dict[str, list[str]] = field(default_factory=dict)
    """By file: lines that were not executed, and branches that were not taken."""

    @property
    def percent(self) -> float:
        """Of statements and branches together, as coverage.py counts them."""
        whole = self.statements + self.branches
        return 100.0 * (self.executed + self.taken) / whole if whole else 100.0

    def add(self, name: str, found: Mapping[str, Any]) -> None:
        """What coverage.py's JSON says of one file."""
        summary = found["summary"]
        self.statements += summary["num_statements"]
        self.executed += summary["covered_lines"]
        self.branches += summary["num_branches"]
        self.taken += summary["covered_branches"]
        missing = [str(line) for line in found["missing_lines"]]
        missing += [f"{start}→{end if end > 0 else 'end'}" for start, end in found["missing_branches"]]
        if missing:
            self.missed[name] = missing


def package_of(name: str) -> str:
    """`engine/sql/lex/split.py` → `engine/sql`; `specs/x.py` → `specs`."""
    parts = name.split("/")
    return "/".join(parts[:2]) if parts[0] == "engine" and len(parts) > 2 else parts[0]


def counted(files: Mapping[str, Mapping[str, Any]]) -> dict[str, Counted]:
    """By package, of what can be measured."""
    made: dict[str, Counted] = {}
    for name, found in sorted(files.items()):
        if name.split("/")[0] in FLOORS:
            made.setdefault(IN_SANDBOXES if name in INSIDE else package_of(name), Counted()).add(name, found)
    return made


def complaints(packages: Mapping[str, Counted], files: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What is less than was agreed."""
    found = [
        f"{name}: {each.percent:.1f} % is under {FLOOR:.0f} %"
        for name, each in packages.items()
        if each.percent < FLOOR and name != IN_SANDBOXES
    ]
    return found + untaken(files)


def untaken(files: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Branches and lines of what authorises that no test takes."""
    found = []
    for name in AUTHORISING:
        if name not in files:
            found.append(f"{name}: there is no such file")
        elif files[name]["missing_branches"] or files[name]["missing_lines"]:
            one = Counted()
            one.add(name, files[name])
            found.append(f"{name} authorises, and no test takes {', '.join(one.missed[name])}")
    return found


def combine(data: Path) -> Path:
    """What all processes have measured, in one file."""
    subprocess.run(
        [*_COVERAGE, "combine", _CONFIG, "--quiet", "--keep", str(data)],
        check=True, env={**os.environ, "COVERAGE_FILE": str(data / "data")}, cwd=ROOT,
    )  # fmt: skip
    # Under a name of its own: what reports takes in, and removes, what lies beside it under the same.
    return (data / "data").replace(data / "combined")


def measured(data: Path) -> dict[str, Mapping[str, Any]]:
    """Every file of the package, by its name in it; of one that nothing has imported, nothing was executed."""
    combined = combine(data)
    _name_the_rest(combined)
    target = data / "found.json"
    subprocess.run(
        [*_COVERAGE, "json", _CONFIG, "--quiet", "-o", str(target)],
        check=True, env={**os.environ, "COVERAGE_FILE": str(combined)}, cwd=ROOT,
    )  # fmt: skip
    files: dict[str, Mapping[str, Any]] = json.loads(target.read_text(encoding="utf-8"))["files"]
    return {name.removeprefix("cleanroom_ml/"): found for name, found in files.items()}


def _name_the_rest(combined: Path) -> None:
    from coverage import CoverageData

    data = CoverageData(str(combined))
    data.read()
    data.touch_files([str(path) for name in FLOORS for path in (PACKAGE / name).rglob("*.py")])
    data.write()


def table(packages: Mapping[str, Counted]) -> Iterable[str]:
    """As lines."""
    yield f"{'package':24} {'statements':>10} {'branches':>9} {'taken':>7} {'both':>7}"
    whole = Counted()
    for name, each in packages.items():
        yield _row(name, each)
        for part in ("statements", "executed", "branches", "taken"):
            setattr(whole, part, getattr(whole, part) + getattr(each, part))
    yield _row("all", whole)


def _row(name: str, each: Counted) -> str:
    taken = 100.0 * each.taken / each.branches if each.branches else 100.0
    return f"{name:24} {each.statements:10} {each.branches:9} {taken:6.1f}% {each.percent:6.1f}%"


def main(argv: Sequence[str]) -> int:
    """The exit status."""
    data = Path(argv[0])
    files = measured(data)
    packages = {name: each for name, each in counted(files).items() if not argv[1:] or name in argv[1:]}
    if "--authorising" not in argv:
        print("\n".join(table(packages)))
    lines = [f"{name}: {', '.join(each)}" for found in packages.values() for name, each in found.missed.items()]
    (data / "missed.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    wrong = complaints(packages, files) if "--authorising" not in argv else untaken(files)
    print("\n".join(wrong or [f"of {len(AUTHORISING)} modules that authorise, every branch is taken by a test"]))
    if packages:
        print(f"what no test executes: {data / 'missed.txt'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
