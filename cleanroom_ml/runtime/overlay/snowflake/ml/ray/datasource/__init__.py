"""See cleanroom_runtime.raydata.sources."""

from cleanroom_runtime.raydata.sharding import SFStageShardDataSource
from cleanroom_runtime.raydata.sources import (
    SFStageBinaryFileDataSource,
    SFStageCSVDataSource,
    SFStageImageDataSource,
    SFStageParquetDataSource,
    SFStageTextDataSource,
)

__all__ = [
    "SFStageBinaryFileDataSource",
    "SFStageCSVDataSource",
    "SFStageImageDataSource",
    "SFStageParquetDataSource",
    "SFStageShardDataSource",
    "SFStageTextDataSource",
]
