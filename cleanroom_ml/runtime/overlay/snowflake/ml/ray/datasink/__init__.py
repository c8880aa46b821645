"""See cleanroom_runtime.raydata.sink."""

from cleanroom_runtime.raydata.sink import SnowflakeTableDatasink

__all__ = ["SnowflakeTableDatasink"]
