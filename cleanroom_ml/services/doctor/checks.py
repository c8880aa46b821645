"""All checks of an account in the order in which they are worth mending. None of them changes anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from cleanroom_ml.connection import Connection
from cleanroom_ml.errors import CleanroomError, CommunicationError, UsageError
from cleanroom_ml.services.doctor.compute import application, families, pool
from cleanroom_ml.services.doctor.finding import Finding, not_shown
from cleanroom_ml.services.doctor.grants import grants
from cleanroom_ml.services.doctor.installation import installed, mounted, privileges, version
from cleanroom_ml.services.doctor.session import profile, session_findings
from cleanroom_ml.specs.project import Project

_AFTER_CONNECTION = (
    "clean rooms", "mount", "version", "privileges", "profile", "grants on the data", "pool families", "pool",
    "application", "extras",
)  # fmt: skip


def checks(connection: Connection, project: Project | None) -> Iterator[Finding]:
    """Each finding as it is made. What a target does not answer is told as not shown; a broken connection ends it."""
    steps: tuple[tuple[str, Callable[[], Finding | Iterable[Finding]]], ...] = (
        ("connection", lambda: session_findings(connection)),
        ("clean rooms", lambda: installed(connection)),
        ("mount", lambda: mounted(connection)),
        ("version", lambda: version(connection)),
        ("privileges", lambda: privileges(connection)),
        ("profile", lambda: profile(connection)),
        ("grants on the data", lambda: grants(connection, project)),
        ("pool families", lambda: families(connection)),
        ("pool", lambda: pool(connection, project)),
        ("application", lambda: application(connection, project)),
        ("extras", lambda: _extras(connection)),
    )
    for name, step in steps:
        try:
            found = step()
            yield from (found,) if isinstance(found, Finding) else list(found)
        except CommunicationError as broke:
            yield Finding(name, False, f"{broke.what}: {broke.why}" if broke.why else broke.what, broke.fix)
            return
        except UsageError as wrong:
            yield Finding(name, False, wrong.what, wrong.fix)
        except CleanroomError as refused:
            yield not_shown(name, refused)


def not_reached(error: CleanroomError) -> list[Finding]:
    """What there is to say where the login came to nothing."""
    detail = f"{error.what}: {error.why}" if error.why else error.what
    return [Finding("connection", False, detail, error.fix)] + [
        Finding(name, None, "not asked") for name in _AFTER_CONNECTION
    ]


def _extras(connection: Connection) -> Finding:
    own = len(connection.capabilities.own_procedures)
    if own:
        return Finding("extras", True, f"this target has {own} procedures of CLEANROOM_ML")
    return Finding("extras", True, "this target has no CLEANROOM_ML: job lists, events and cancelling are not there")
