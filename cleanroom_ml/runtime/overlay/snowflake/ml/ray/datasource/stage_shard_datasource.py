"""See cleanroom_runtime.raydata.sharding."""

from cleanroom_runtime.raydata.sharding import SFStageShardDataSource

__all__ = ["SFStageShardDataSource"]
