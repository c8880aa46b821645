"""See cleanroom_runtime.raydata.sources."""

from cleanroom_runtime.raydata.sources import SFStageParquetDataSource

__all__ = ["SFStageParquetDataSource"]
