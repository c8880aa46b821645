"""See cleanroom_runtime.raydata.sharding."""

from cleanroom_runtime.raydata.sharding import generate_shards

__all__ = ["generate_shards"]
