"""`cleanroom-ml doctor`."""

from __future__ import annotations

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.output import Output

app = single()


@command(app, example="cleanroom-ml doctor --format json")
def doctor() -> Output:
    """Check this machine, and say how to mend what is missing; exit 1 if something is."""
    from cleanroom_ml.local.doctor import checks

    found = checks()
    lines = []
    for check in found:
        lines.append(f"{'ok ' if check.ok else 'NO '} {check.name}: {check.detail}")
        if not check.ok and check.fix:
            lines.append(f"    fix: {check.fix}")
    return Output(found, "\n".join(lines), exit_code=0 if all(check.ok for check in found) else 1)
