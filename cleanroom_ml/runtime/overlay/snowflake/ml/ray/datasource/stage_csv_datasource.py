"""See cleanroom_runtime.raydata.sources."""

from cleanroom_runtime.raydata.sources import SFStageCSVDataSource

__all__ = ["SFStageCSVDataSource"]
