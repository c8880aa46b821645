"""What `snowflake.ml.runtime_cluster` offers to scripts, for a job: its size is set when it is submitted.

Source of names and shapes: Snowflake documentation, developer-guide/snowflake-ml/container-runtime-multi-node and
scale-application-ray.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TypedDict

from ..notices import say
from ..workers import cluster_nodes


class NodeInfo(TypedDict):
    """One node, as `get_nodes` tells of it."""

    name: str
    cpus: int
    gpus: int


def scale_cluster(
    expected_cluster_size: int | str,
    *size_after_name: int,
    notebook_name: str | None = None,
    is_async: bool = False,
    options: Mapping[str, object] | None = None,
) -> bool:
    """True where the job has that many nodes already, the head included.

    `notebook_name`, `is_async` and `options` are of notebooks, and change nothing. The older form, with the notebook's
    name first, is understood.

    Raises:
        RuntimeError: the job has another number of nodes.
        TypeError: no whole number was given.
    """
    size = size_after_name[0] if isinstance(expected_cluster_size, str) and size_after_name else expected_cluster_size
    if not isinstance(size, int) or isinstance(size, bool):
        raise TypeError(f"scale_cluster takes the number of nodes, not {size!r}")
    have = get_cluster_size()
    if size != have:
        raise RuntimeError(
            f"scale_cluster({size}): this job has {have} node(s), and a job's size is set when it is "
            f"submitted, not while it runs. Submit it with num_instances={size} "
            f"(`cleanroom-ml run … --nodes {size}`)."
        )
    say(f"scale_cluster({size}): the job has that many nodes already")
    return True


def get_nodes() -> list[NodeInfo]:
    """The nodes of the job, the head first: dictionaries with `name`, `cpus` and `gpus`."""
    return [{"name": node.name, "cpus": node.cpus, "gpus": node.gpus} for node in cluster_nodes()]


def get_cluster_size() -> int:
    """How many nodes the job has, the head included."""
    return len(cluster_nodes())


def get_num_cpus_per_node() -> int:
    """vCPUs of each node."""
    return cluster_nodes()[0].cpus


def get_available_cpu() -> int:
    """vCPUs of all nodes that no Ray task or actor holds at the moment."""
    return _available("CPU", sum(node.cpus for node in cluster_nodes()))


def get_available_gpu() -> int:
    """GPUs of all nodes that no Ray task or actor holds at the moment."""
    return _available("GPU", sum(node.gpus for node in cluster_nodes()))


def get_ray_dashboard_url() -> str:
    """Raises RuntimeError: there is none in a job."""
    raise _no_dashboard("get_ray_dashboard_url()")


def get_grafana_dashboard_url() -> str:
    """Raises RuntimeError: there is none in a job."""
    raise _no_dashboard("get_grafana_dashboard_url()")


def _available(resource: str, everything: int) -> int:
    ray = sys.modules.get("ray")
    if ray is None or not ray.is_initialized():
        return everything
    return int(ray.available_resources().get(resource, 0))


def _no_dashboard(function: str) -> RuntimeError:
    return RuntimeError(
        f"{function}: a job has no dashboard, since nothing leaves its sandbox but its log, events and result. "
        "`cleanroom-ml status --watch` shows it as it runs, `cleanroom-ml report` afterwards."
    )
