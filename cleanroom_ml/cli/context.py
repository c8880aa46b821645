"""What commands share: the project of the directory, and an open connection to its target."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cleanroom_ml.cli.settings import settings
from cleanroom_ml.errors import UsageError

PROJECT_FILE = "cleanroom.yaml"

if TYPE_CHECKING:
    from cleanroom_ml.services.connections import Connection, Target
    from cleanroom_ml.services.projects import Project

# Set by tests that record every statement a command sends.
statement_observer: Callable[[str], None] | None = None


def project() -> Project:
    """The project of the current directory. Raises UsageError where there is no cleanroom.yaml."""
    from cleanroom_ml.services.projects import load_project

    return load_project(Path.cwd())


def files_or(named: list[Path] | None, configured: tuple[Path, ...], key: str) -> tuple[Path, ...]:
    """The files that a command is about: those named, else those that `key` of cleanroom.yaml lists.

    Raises:
        UsageError: there are none, as in a runner's directory that has no code specs.
    """
    if files := tuple(named or configured):
        return files
    raise UsageError(
        f"no {key.replace('_', ' ')} are named",
        why=f"cleanroom.yaml of {Path.cwd().name}/ has no `{key}`",
        fix=f"cd to the directory of the party that has them, list them under `{key}`, or name a FILE",
    )


def project_or_none() -> Project | None:
    """The project of the current directory, if it has one."""
    return project() if (Path.cwd() / "cleanroom.yaml").exists() else None


def collaboration(named: str | None) -> str:
    """The collaboration that a command is about: the one named, else the project's.

    Raises:
        UsageError: neither is there; it says how to name one where the command was typed.
    """
    if named:
        return named
    here = project_or_none()
    if here is not None and here.collaboration is not None:
        return here.collaboration
    words = shlex.join(["cleanroom-ml", *settings().typed])
    how = f"{words} NAME" if settings().typed[:1] == ("collaboration",) else f"{words} --collaboration NAME"
    raise UsageError(
        "no collaboration is named",
        why="cleanroom.yaml has no `collaboration`" if here else f"there is no {PROJECT_FILE} in {Path.cwd()}",
        fix=f"{how}  (cleanroom-ml collaboration list has the names), or cd into a project's directory",
    )


def own_collaboration_file() -> Path:
    """The spec of the collaboration that this directory's party owns.

    Raises:
        UsageError: there is none, as in the directory of everybody who joins another's.
    """
    here = project()
    if here.collaboration_path.is_file():
        return here.collaboration_path
    whose = f"that of {here.owner}" if here.owner else "it"
    raise UsageError(
        f"there is no {here.collaboration_path.name} in {Path.cwd().name}/",
        why=f"a collaboration is created by its owner, who has its spec; the others join {whose}",
        fix="cleanroom-ml collaboration join, or name the FILE of a spec",
    )


def meant(name: str, mine: Project | None) -> Project | None:
    """The project, where the collaboration is the one that it is about: what it says of owners holds for that one."""
    from cleanroom_ml.services.whose import same_name

    return mine if mine is not None and same_name(mine.collaboration or "") == same_name(name) else None


def target() -> Target:
    """The target that the shared options, the environment and the directory lead to."""
    from cleanroom_ml.services.connections import resolve

    found = resolve(settings().connection, temporary=settings().temporary_connection)
    return found.instead(role=settings().role, warehouse=settings().warehouse)


def open_connection(*, guarded: bool = True) -> Connection:
    """Log in to the target, after saying on standard error which one it is; the embedded engine is started on demand.

    In a project that says whose collaboration it means, the connection gives nothing to another's of the same name;
    where not `guarded`, the project is not looked at, and the command gives nothing to anybody.

    Raises:
        ConnectError: it cannot be reached, is not what it claims to be, or refuses the credentials.
    """
    from cleanroom_ml.cli.render import engine_starts, note
    from cleanroom_ml.services.connections import connect, permission_warnings
    from cleanroom_ml.services.whose import guard

    found = target()
    note(f"target: {found}")
    for warning in permission_warnings(found):
        note(f"warning: {warning}")
    if found.kind == "engine":
        from cleanroom_ml.local.engine import ensure_running

        ensure_running(on_start=engine_starts)
    opened = connect(found, observer=statement_observer, rows_only=True)
    return guard(opened, project_or_none()) if guarded else opened
