"""The ingestor that published scripts name where they make a connector of a Ray Dataset."""

from cleanroom_runtime.data.ingestor import JobIngestor as RayDataIngester

__all__ = ["RayDataIngester"]
