"""`cleanroom-ml doctor`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.context import open_connection, project_or_none
from cleanroom_ml.cli.output import Output
from cleanroom_ml.cli.settings import settings
from cleanroom_ml.errors import CleanroomError, ConnectError

if TYPE_CHECKING:
    from cleanroom_ml.services.doctor import Finding

app = single()


class _Line(Protocol):
    """A check of this machine, or a finding of an account."""

    @property
    def name(self) -> str: ...
    @property
    def ok(self) -> bool | None: ...
    @property
    def detail(self) -> str: ...
    @property
    def fix(self) -> str | None: ...


@command(app, example="cleanroom-ml doctor -c publisher")
def doctor() -> Output:
    """Check this machine, or with -c an account; each line says how to mend it. Exit 1 if one must be mended."""
    if settings().connection or settings().temporary_connection:
        found: Sequence[_Line] = _of_the_account()
    else:
        from cleanroom_ml.local.doctor import checks

        found = checks()
    return Output(list(found), "\n".join(_lines(found)), exit_code=1 if any(each.ok is False for each in found) else 0)


def _of_the_account() -> list[Finding]:
    from cleanroom_ml.services.doctor import Finding, checks, not_reached

    problem: CleanroomError | None = None
    try:
        project = project_or_none()
    except CleanroomError as error:
        project, problem = None, error
    try:
        connection = open_connection(guarded=False)
    except ConnectError as error:
        return not_reached(error)
    with connection:
        found = list(checks(connection, project))
    return found + ([Finding("project", False, problem.what, problem.fix)] if problem else [])


def _lines(found: Sequence[_Line]) -> list[str]:
    marks = {True: "ok ", False: "NO ", None: "-- "}
    lines = []
    for each in found:
        lines.append(f"{marks[each.ok]} {each.name}: {each.detail}")
        if each.ok is False and each.fix:
            lines.append(f"    fix: {each.fix}")
    return lines
