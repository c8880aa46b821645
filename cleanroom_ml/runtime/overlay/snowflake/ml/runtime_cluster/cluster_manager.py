"""The nodes of the job; see cleanroom_runtime.cluster.manager."""

from cleanroom_runtime.cluster.manager import (
    get_available_cpu,
    get_available_gpu,
    get_cluster_size,
    get_grafana_dashboard_url,
    get_nodes,
    get_num_cpus_per_node,
    get_ray_dashboard_url,
    scale_cluster,
)

__all__ = [
    "get_available_cpu",
    "get_available_gpu",
    "get_cluster_size",
    "get_grafana_dashboard_url",
    "get_nodes",
    "get_num_cpus_per_node",
    "get_ray_dashboard_url",
    "scale_cluster",
]
