"""`snowflake.ml.ray.stage_sharding` and its source: they can be imported, and say what to do instead.

Many small files are made into few large ones there because each file of a stage is a round trip through a cloud. Here
the files are on this machine, and a stage that a clean room's job may use ends with the job: nothing could be gained.

Source: Snowflake's documentation, developer-guide/snowflake-ml/load-data, "Optimize unstructured data loading".
"""

from __future__ import annotations

from typing import NoReturn


def generate_shards(*_: object, **__: object) -> NoReturn:
    """Raises NotImplementedError."""
    _refuse("generate_shards()")


class SFStageShardDataSource:
    """Cannot be made: raises NotImplementedError."""

    def __init__(self, *_: object, **__: object) -> None:
        _refuse(type(self).__name__)


def _refuse(what: str) -> NoReturn:
    raise NotImplementedError(
        f"{what} is not supported in a clean room's job: a stage that a job may use ends with the job, and its files "
        "are on this machine, so that shards of them would be read no faster. Read the files themselves, with "
        "SFStageBinaryFileDataSource (column file_binary in place of bytes) or SFStageImageDataSource"
    )
