"""The nodes of the job; see cleanroom_runtime.cluster.manager."""

from cleanroom_runtime.cluster.manager import get_nodes, get_ray_dashboard_url, scale_cluster

__all__ = ["get_nodes", "get_ray_dashboard_url", "scale_cluster"]
