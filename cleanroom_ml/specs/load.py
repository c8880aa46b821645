"""Specs and projects from files: bounded, regular, and inside the project's directory."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cleanroom_ml.errors import UsageError
from cleanroom_ml.specs.parse import Spec, SpecType, parse_as, parse_spec, place
from cleanroom_ml.specs.problems import Problem, SpecProblems, displayed
from cleanroom_ml.specs.project import PROJECT_FILE, Project
from cleanroom_ml.specs.yaml_tree import MAX_BYTES


def read_text(path: Path) -> str:
    """The text of a spec file.

    Raises:
        UsageError: there is no such file, or it may not be read.
        SpecProblems: it is no regular file, is larger than 16 MiB, or is not UTF-8.
    """
    name = str(path)
    try:
        # O_NONBLOCK: opening a fifo must not wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise UsageError(f"cannot read {name}", why=error.strerror, fix="check the path and its permissions") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise SpecProblems([Problem(name, 0, 0, "", "is not a regular file", "a text file")])
    with open(descriptor, "rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise SpecProblems([Problem(name, 0, 0, "", "the file is too large", f"at most {MAX_BYTES // 1024**2} MiB")])
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        column = len(before.rpartition(b"\n")[2].decode("utf-8")) + 1
        problem = Problem(name, before.count(b"\n") + 1, column, "", "the file is not UTF-8", "UTF-8 text")
        raise SpecProblems([problem]) from None


def load_spec(path: Path | str, *, expect: SpecType | None = None) -> Spec:
    """The spec in a file.

    Raises:
        UsageError: the file cannot be read.
        SpecProblems: with every problem found; `file` is the path as given.
    """
    return parse_spec(read_text(Path(path)), source=str(path), expect=expect)


def load_project(directory: Path | str) -> Project:
    """The project of a directory, from its cleanroom.yaml. The files that it names need not exist yet.

    Raises:
        UsageError: there is no cleanroom.yaml.
        SpecProblems: with every problem found: among them paths that leave the directory, by a symbolic link too.
    """
    root = Path(directory).resolve()
    path = Path(directory) / PROJECT_FILE
    if not path.exists():
        raise UsageError(
            f"there is no {PROJECT_FILE} in {displayed(str(directory))}",
            why="commands read the project of the directory they are started in",
            fix="cd into a project, or `cleanroom-ml init`",
        )
    text = read_text(path)
    project = parse_as(Project, text, source=str(path))
    outside = [
        place(text, str(path), field, f"{displayed(named)} leaves the project's directory", "a path inside it")
        for field, named in project.paths()
        if not (root / named).resolve().is_relative_to(root)
    ]
    if outside:
        raise SpecProblems(outside)
    return project.at(root)
