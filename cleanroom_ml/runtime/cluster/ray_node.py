"""One node's Ray processes, started by the very class that `ray start` uses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from typing import TYPE_CHECKING, Final

from ray._private import utils
from ray._private.node import Node
from ray._private.parameter import RayParams

from .. import gpus
from .sizes import NodeSize

if TYPE_CHECKING:
    from ray._private.services import ProcessInfo

ADDRESS: Final = "127.0.0.1"


class _Node(Node):  # type: ignore[misc]
    """What differs from a node of `ray start`, so that several can start at a time in one directory, and faster.

    Starting it is all that its constructor does, so `known`, which is given itself first, is told what starts.
    """

    def __init__(self, parameters: RayParams, known: Callable[[Node], None], **options: object) -> None:
        self.all_processes: dict[str, list[ProcessInfo]] = {}
        known(self)
        super().__init__(parameters, **options)

    def _get_log_file_name(self, name: str, suffix: str, unique: bool = False) -> str:
        # Ray looks for a name that no file has yet, and the file is made later: two nodes would find the same.
        return str(log_file(Path(self._logs_dir), name, self._ray_params.node_name, suffix.strip(".")))

    def start_api_server(self, *, include_dashboard: bool | None, raise_on_failure: bool) -> None:
        # Even without a dashboard its process is started, to report usage, and waited for: a second, and 100 MB.
        self._webui_url = ""


def ask_once() -> None:
    """To be called before several threads start nodes: whether the dashboard's packages are there is found out by
    importing them, and an import that fails in one thread can look done to another.
    """
    missing = utils.get_dashboard_dependency_error()
    utils.get_dashboard_dependency_error = lambda: missing


def log_file(logs: Path, process: str, node_name: str, suffix: str) -> Path:
    """Where a process of a node writes its log: suffix `out`, `err` or `log`."""
    return logs / f"{process}-{node_name}.{suffix}"


def start_node(
    rank: int, size: NodeSize, directory: Path, gcs_address: str | None, known: Callable[[Node], None]
) -> None:
    """Start node `rank` and return once it is registered. Without `gcs_address` it is the head, with its GCS.

    `known` is given the node at once. Raises an exception of Ray's own where it does not register
    (RAY_raylet_start_wait_time_s).
    """
    parameters = RayParams(
        num_cpus=size.cpus,
        num_gpus=size.gpus,
        memory=size.memory_bytes,
        object_store_memory=size.store_bytes,
        gcs_address=gcs_address,
        node_name=f"node-{rank}",
        node_ip_address=ADDRESS,
        temp_dir=str(directory),
        plasma_store_socket_name=str(directory / f"store-{rank}"),
        raylet_socket_name=str(directory / f"raylet-{rank}"),
        min_worker_port=0,
        max_worker_port=0,
        dashboard_agent_listen_port=0,  # its default is one number for all nodes, and whose agent comes second, fails
        include_log_monitor=False,  # worker_output.py is in its place
        include_dashboard=False,
        no_monitor=True,  # the autoscaler
        env_vars=_environment(rank, size),
    )
    _Node(parameters, known, head=gcs_address is None, shutdown_at_exit=False, spawn_reaper=False)


def _environment(rank: int, size: NodeSize) -> dict[str, str]:
    """What a node's workers find in their environment that other nodes' do not."""
    devices = {gpus.VARIABLE: ",".join(gpus.of_node(rank, size.nodes))} if size.gpus else {}
    return {"SNOWFLAKE_JOB_INDEX": str(rank), **devices}


def processes(node: Node) -> dict[str, Popen[bytes]]:
    """The processes of a node by kind (`raylet`, `gcs_server`, `log_monitor`), as Popen objects."""
    return {kind: one.process for kind, many in list(node.all_processes.items()) for one in many}
