"""What `ray.init` does in a job.

Several nodes: it attaches to the job's cluster (RAY_ADDRESS is set). One node: Ray is started when the script first
asks for it, with what the job has, and `address="auto"` means that too: on Snowflake a Ray is running already.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.machinery
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

from . import worker_output
from .sizes import NodeSize

if TYPE_CHECKING:
    from ray._private.worker import BaseContext

_MODULE: Final = "ray._private.worker"
"""Where `init` is defined, and from where `ray` takes it: nothing has a reference to the one that was there before."""


def prepare(size: Callable[[], NodeSize]) -> None:
    """To be called before anything imports Ray; nothing is imported by it, and nothing changes before the script does.

    `size` is what a Ray of the job's single node has, unless `ray.init` is told otherwise.
    """
    sys.meta_path.insert(0, _WhenImported(size))


def wrapped(init: Callable[..., BaseContext], size: Callable[[], NodeSize]) -> Callable[..., BaseContext]:
    """`ray.init` with what a job has in place of what the machine has, where it is not told otherwise."""

    @functools.wraps(init)
    def init_in_a_job(address: str | None = None, **options: object) -> BaseContext:
        given = {name: value for name, value in options.items() if value is not None}
        if not os.environ.get("RAY_ADDRESS") and address in (None, "auto", "local"):
            address, given = "local", {**_of_this_node(size()), **given}
        follow = given.pop("log_to_driver", True)
        context = init(address, log_to_driver=False, **given)
        if follow:
            worker_output.follow(_sessions())
        return context

    return init_in_a_job


def _of_this_node(size: NodeSize) -> dict[str, object]:
    return {
        "num_cpus": size.cpus,
        "num_gpus": size.gpus,
        "object_store_memory": size.store_bytes,
        "_memory": size.memory_bytes,
        "include_dashboard": False,
    }


class _WhenImported(importlib.abc.MetaPathFinder):
    def __init__(self, size: Callable[[], NodeSize]) -> None:
        self._size = size

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != _MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_wrap(module: ModuleType) -> None:
                execute(module)
                module.__dict__["init"] = wrapped(module.__dict__["init"], self._size)

            spec.loader.exec_module = execute_and_wrap  # type: ignore[method-assign]
        return spec


def _sessions() -> Path:
    from ray._private import worker

    return Path(worker._global_node.get_logs_dir_path()).parents[1]
