"""The job's session, for what only the process that has it can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from snowflake.snowpark import Session


def main_session(what: str) -> Session:
    """The session. Raises RuntimeError in a worker, which has none: `what` is done in the script itself."""
    from snowflake.snowpark.context import get_active_session
    from snowflake.snowpark.exceptions import SnowparkSessionException

    try:
        return get_active_session()
    except SnowparkSessionException as error:
        raise RuntimeError(
            f"{what} needs the job's session, which Ray's workers do not have: do it in the script itself, and give "
            "what it returns to tasks and actors"
        ) from error
