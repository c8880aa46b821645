"""Putting what a training left to a stage, where the script named one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from snowflake.snowpark import Session


def require_stage(location: str) -> str:
    """The stage as `DB.SCHEMA.STAGE[/path]`, once this job has been seen to reach it: before hours of training.

    Raises ValueError where it cannot: a clean room's job has no stages but those that it made itself.
    """
    stage = location.strip().removeprefix("@").rstrip("/")
    if not stage or "'" in stage:
        raise ValueError(f"artifact_stage_location={location!r} names no stage; write DB_NAME.SCHEMA_NAME.STAGE_NAME")
    from snowflake.snowpark.exceptions import SnowparkSQLException

    try:
        _session().sql(f"LIST '@{stage}'").collect()
    except SnowparkSQLException as error:
        raise ValueError(
            f"artifact_stage_location: this job cannot use the stage {stage} ({error.message}). A clean room's job "
            "reaches stages that it made itself only; without the argument, get_model_dir() of the result is a "
            "directory of this job, whichever node the model was trained on"
        ) from error
    return stage


def upload(directory: Path, stage: str, run_id: str) -> str:
    """Put every file below `directory` to `<stage>/model/<run_id>`, and return that location.

    Raises snowflake.snowpark.exceptions.SnowparkSQLException where a file is refused.
    """
    location = f"{stage}/model/{run_id}"
    files = _session().file
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            below = path.parent.relative_to(directory).as_posix()
            target = f"@{location}" if below == "." else f"@{location}/{below}"
            files.put(str(path), target, auto_compress=False, overwrite=True)
    return location


def _session() -> Session:
    from snowflake.snowpark.context import get_active_session

    return get_active_session()
