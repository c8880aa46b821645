"""See cleanroom_runtime.data.sharded."""

from cleanroom_runtime.data.sharded import ShardedDataConnector

__all__ = ["ShardedDataConnector"]
