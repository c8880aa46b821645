"""See cleanroom_runtime.raydata.sources."""

from cleanroom_runtime.raydata.sources import SFStageTextDataSource

__all__ = ["SFStageTextDataSource"]
