"""The process that starts a job's cluster and watches it: `python -P -m …cluster.keeper SPECIFICATION`.

It writes one JSON object a line to its standard output:

    {"formed": {"address": "127.0.0.1:6379", "logs": "…"}}    every node is registered
    {"failed": "why"}                                         they are not, and nothing is left of them
    {"lost": "node-1", "process": "raylet", "how": "…", "log": "the log's last lines"}

and lives until its standard input ends, as it does when the job's main process does. Then it kills all that it has
started. It is apart from the main process because starting nodes imports Ray, takes over signals and waits, while the
main process opens its session; and because those nodes must end whatever becomes of the script.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, TypedDict

from ..workers.failures import exit_message
from ..workers.processes import adopt_orphans, kill_tree
from .sizes import NodeSize

if TYPE_CHECKING:
    from ray._private.node import Node

_LOG_LINES: Final = 15
_WATCH_SECONDS: Final = 0.1


class Where(TypedDict):
    """Of a cluster that has formed."""

    address: str
    logs: str


class Reported(TypedDict, total=False):
    """What a line of the keeper has, one of the three kinds above; nothing where it has ended."""

    formed: Where
    failed: str
    lost: str
    process: str
    how: str
    log: str


@dataclass(frozen=True, slots=True)
class Specification:
    """What is to be started; `at_a_time`: how many nodes. `directory` is short, for the addresses of sockets."""

    size: NodeSize
    directory: str
    at_a_time: int

    def to_json(self) -> str:
        """The specification as an argument of the keeper's command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Specification:
        """The inverse of `to_json`."""
        fields = json.loads(text)
        fields["size"] = NodeSize(**fields["size"])
        return cls(**fields)


class _Keeper:
    def __init__(self, wanted: Specification) -> None:
        self._wanted = wanted
        self._nodes: dict[int, Node] = {}

    def form(self) -> None:
        """Start the head, then all others. Raises what starting a node raised, or _Lost once a process of one ends."""
        from .ray_node import ask_once

        ask_once()
        # Of a pool whose threads keep nobody: where a process has ended, Ray would go on waiting for its node.
        starting = ThreadPoolExecutor(self._wanted.at_a_time)
        self._wait_for([starting.submit(self._start, 0, None)])
        address = self._nodes[0].gcs_address
        self._wait_for([starting.submit(self._start, rank, address) for rank in range(1, self._wanted.size.nodes)])

    def report(self) -> Reported:
        """Where the cluster is."""
        return {"formed": {"address": self._nodes[0].gcs_address, "logs": self._nodes[0].get_logs_dir_path()}}

    def lost(self) -> Reported | None:
        """The first process of a node that has ended, or None."""
        from .ray_node import log_file, processes

        for rank, node in list(self._nodes.items()):
            for kind, process in processes(node).items():
                code = process.poll()
                if code is not None:
                    log = log_file(Path(node.get_logs_dir_path()), kind, f"node-{rank}", "err")
                    return {"lost": f"node-{rank}", "process": kind, "how": exit_message(code), "log": _last_lines(log)}
        return None

    def _start(self, rank: int, gcs_address: str | None) -> None:
        from .ray_node import start_node

        directory = Path(self._wanted.directory)
        start_node(rank, self._wanted.size, directory, gcs_address, lambda node: self._nodes.update({rank: node}))

    def _wait_for(self, starting: list[Future[None]]) -> None:
        while starting:
            done, _ = wait(starting, timeout=_WATCH_SECONDS)
            if (lost := self.lost()) is not None:
                raise _Lost(f"{lost['lost']}: {lost['process']}: {lost['how']}\n{lost['log']}".strip())
            for one in done:
                one.result()
                starting.remove(one)


class _Lost(RuntimeError):
    """A process of a node ended while the cluster was forming."""


def _last_lines(path: Path) -> str:
    with contextlib.suppress(OSError):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(line for line in lines[-_LOG_LINES:] if "[state-dump]" not in line)
    return ""


def _tell(to: int, what: Reported) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(to, json.dumps(what).encode() + b"\n")


def _end_with_the_main_process(directory: str, ending: threading.Event) -> None:
    while os.read(0, 1 << 10):
        pass
    ending.set()
    kill_tree(os.getpid(), itself=False)
    shutil.rmtree(directory, ignore_errors=True)
    os._exit(0)


def _give_up(reported: int, why: str) -> NoReturn:
    kill_tree(os.getpid(), itself=False)
    _tell(reported, {"failed": why})
    os._exit(1)


def main(specification: str) -> None:
    """Form the cluster, report, watch."""
    wanted = Specification.from_json(specification)
    # What Ray prints as it starts is kept beside its logs; nothing but our own lines goes to the main process.
    reported = os.dup(1)
    log = os.open(Path(wanted.directory) / "keeper.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    adopt_orphans()
    ending = threading.Event()
    threading.Thread(target=_end_with_the_main_process, args=(wanted.directory, ending), daemon=True).start()
    keeper = _Keeper(wanted)
    try:
        keeper.form()
    except _Lost as error:
        _give_up(reported, str(error))
    except Exception as error:  # noqa: BLE001 - Ray raises bare Exception; whatever it was, there is no cluster
        _give_up(reported, f"{type(error).__name__}: {error}")
    _tell(reported, keeper.report())
    while (lost := keeper.lost()) is None:
        time.sleep(_WATCH_SECONDS)
    if not ending.is_set():  # else it is we who have killed it
        _tell(reported, lost)
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1])
