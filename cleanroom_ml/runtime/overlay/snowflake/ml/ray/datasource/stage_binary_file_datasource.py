"""See cleanroom_runtime.raydata.sources."""

from cleanroom_runtime.raydata.sources import SFStageBinaryFileDataSource

__all__ = ["SFStageBinaryFileDataSource"]
