"""`cleanroom-ml engine`."""

from __future__ import annotations

from typing import Annotated

from cleanroom_ml.cli.command import command, group
from cleanroom_ml.cli.options import optional_option
from cleanroom_ml.cli.output import Output

app = group("The embedded engine: one process a home, started when it is needed.")


@command(app, "start", example="cleanroom-ml engine start")
def start(
    like_snowflake: Annotated[
        str | None,
        optional_option(
            "--like-snowflake",
            metavar="DEVIATIONS",
            help="For tests: answer as the service really does; `all`, or names with commas: secondary-roles, "
            "restricted-token, incomplete-profile, missing-grants, grant-option, replication, delays, upgrade, "
            "create-fails, create-times-out, auto-join-fails, join-fails, leave-fails, teardown-fails, slow-endings, "
            "late-requests, late-edits, late-settings, late-activations, late-links, activation-fails, short-logs, "
            "lower-case, tracebacks, no-own-database, session-expiry, transient.",
        ),
    ] = None,
) -> Output:
    """Start the engine, if it does not run."""
    from cleanroom_ml.cli.render import engine_starts
    from cleanroom_ml.local import engine

    if like_snowflake is None:
        found = engine.ensure_running(on_start=engine_starts)
    else:
        found = engine.start_like_snowflake(like_snowflake, on_start=engine_starts)
    like = f", like Snowflake in: {', '.join(found.like_snowflake)}" if found.like_snowflake else ""
    return Output(found, f"running at {found.host}:{found.port}, pid {found.pid}, home {found.home}{like}")


@command(app, "stop", example="cleanroom-ml engine stop")
def stop() -> Output:
    """Stop the engine; jobs go on, and the next start finds them again."""
    from cleanroom_ml.local import engine

    stopped = engine.stop()
    return Output({"stopped": stopped}, "stopped" if stopped else "it was not running")


@command(app, "status", example="cleanroom-ml engine status")
def status() -> Output:
    """Whether the engine runs, and where."""
    from cleanroom_ml.local import engine

    found = engine.status()
    where = f" at {found.host}:{found.port}, pid {found.pid}" if found.running else ""
    like = f"\nlike Snowflake in: {', '.join(found.like_snowflake)}" if found.like_snowflake else ""
    return Output(found, f"{found.detail}{where}\nhome {found.home}{like}", exit_code=0 if found.running else 3)
