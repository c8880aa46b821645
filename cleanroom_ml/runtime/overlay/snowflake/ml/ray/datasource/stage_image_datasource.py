"""See cleanroom_runtime.raydata.sources."""

from cleanroom_runtime.raydata.sources import SFStageImageDataSource

__all__ = ["SFStageImageDataSource"]
