"""What this runtime has in Snowflake's container, and not in a clean room: it can be imported, and says no when run.

Source: Snowflake's documentation, user-guide/cleanrooms/ml-jobs and v2/troubleshooting.
"""

from __future__ import annotations

from typing import NoReturn


class OutsideOfCleanRoomError(RuntimeError):
    """The call would read and write stages of its own, past the clean room."""


def refuse(call: str) -> NoReturn:
    """Raise OutsideOfCleanRoomError for a call."""
    raise OutsideOfCleanRoomError(
        f"API call outside of DCR: {call} is not available in a clean room, where a job reads the tables that its "
        "template names and writes tables of the clean room only. Train one model a group in a loop over "
        "DataFrame.filter, or in functions of Ray (@ray.remote), and save results with save_as_table"
    )


class RefusedRun:
    """A run that there cannot be: everything that would read one from a stage says so."""

    def __init__(self, *_: object, **__: object) -> None:
        refuse(type(self).__name__)

    @classmethod
    def restore_from(cls, run_id: str, stage_name: str) -> NoReturn:
        """Would read an earlier run's state from a stage."""
        refuse(f"{cls.__name__}.restore_from")
