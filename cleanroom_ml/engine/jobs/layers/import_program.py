"""Imports the packages that a spec asks for, as its job will. One file, standard library only, in a sandbox as tight
as a job's: from here on a party's code runs.

`python -P import_program.py PLAN REPORT CURRENT`. What fails is told in REPORT, `{}` where nothing does; CURRENT names
what is being imported, for the case that the process does not live to tell. Both are that code's to write, who only
cheats itself: its job fails later.
"""

from __future__ import annotations

import csv
import importlib
import json
import os
import re
import sys
from pathlib import Path, PurePosixPath

_MOST = 16
_ASIDE = {"test", "tests", "testing", "doc", "docs", "example", "examples", "benchmark", "benchmarks", "scripts"}
_LIBRARY = re.compile(r"\.(py|so|abi3\.so|cpython-[\w.-]+\.so)\Z")
_OF_A_DRIVER = re.compile(
    r"lib(cuda|nvidia-[a-z0-9-]+|nvcuvid)\.so[.\d]*: cannot open|NVIDIA driver|No CUDA GPUs|no CUDA-capable device"
)
"""Of a machine with a GPU, which this sandbox does not have: says nothing about the package."""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def files_of(layer: Path, package: str) -> list[PurePosixPath]:
    """What the package laid into the layer, by its RECORD; nothing where it is not in the layer."""
    for about in layer.glob("*.dist-info"):
        if normal(about.name.removesuffix(".dist-info").rpartition("-")[0]) != package:
            continue
        with (about / "RECORD").open(encoding="utf-8", newline="") as record:
            paths = [PurePosixPath(row[0]) for row in csv.reader(record) if row and row[0]]
        # purelib and platlib of a data directory come to lie at the top.
        return [PurePosixPath(*path.parts[2:]) if path.parts[0].endswith(".data") else path for path in paths]
    return []


def modules_of(paths: list[PurePosixPath], package: str) -> list[str]:
    """What to import for a package: the module of its name where it has one, else its outermost ones.

    A directory without `__init__` is looked into (namespace packages); private modules, tests and the like are not
    imported. None: scripts, data or type stubs only.
    """
    regular = {path.parent for path in paths if re.match(r"__init__\.", path.name) and _LIBRARY.search(path.name)}
    found: set[tuple[str, ...]] = set()
    for path in paths:
        library = _LIBRARY.search(path.name)
        if library is None or not path.parts:
            continue
        parts = (*path.parts[:-1], path.name[: library.start()])
        outer = next((parent.parts for parent in reversed(path.parents) if parent in regular), None)
        found.add(outer if outer else parts)
    public = [parts for parts in found if all(part.isidentifier() and not part.startswith("_") for part in parts)]
    exact = sorted(".".join(parts) for parts in public if normal(".".join(parts)) == package)
    outer_first = sorted((parts for parts in public if not _ASIDE.intersection(parts)), key=lambda p: (len(p), p))
    return exact[:1] or [".".join(parts) for parts in outer_first][:_MOST]


def problem(modules: list[str]) -> str | None:
    """Why none of the modules can be imported; None where one can, where there is none, or where it cannot be told."""
    first: str | None = None
    for module in modules:
        try:
            importlib.import_module(module)
        except BaseException as error:  # noqa: BLE001 - whatever a package's code raises
            text = f"{type(error).__name__}: {error}"
            if _OF_A_DRIVER.search(text[:10_000]):
                return None
            first = first or f"import {module}: {text}"[:1_000]
        else:
            return None
    return first


def main(plan_file: str, report: str, current: str) -> None:
    plan = json.loads(Path(plan_file).read_bytes())
    for name in ("HOME", "TMPDIR"):
        Path(os.environ[name]).mkdir(parents=True, exist_ok=True)
    reported: dict[str, str] = {}
    for package in plan["packages"]:
        Path(current).write_text(package, encoding="utf-8")
        wrong = problem(modules_of(files_of(Path(plan["layer"]), package), package))
        if wrong is not None:
            reported = {"package": package, "text": wrong}
            break
    Path(report).write_text(json.dumps(reported), encoding="utf-8")
    # Not by way of what the packages left to be done at the end.
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:4])
