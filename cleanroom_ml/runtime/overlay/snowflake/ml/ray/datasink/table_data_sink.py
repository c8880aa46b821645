"""Where the API reference had the class first (see cleanroom_runtime.raydata.sink)."""

from cleanroom_runtime.raydata.sink import SnowflakeTableDatasink

__all__ = ["SnowflakeTableDatasink"]
