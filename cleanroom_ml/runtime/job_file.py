"""The job's file: what the engine tells the runtime about the job. One type, written there and read here.

The engine imports it from here, since nothing of ours but the runtime is inside of the sandbox.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

VARIABLE: Final = "CLEANROOM_ML_JOB_FILE"
"""Environment variable with the file's path; not set outside of a job."""

IN_SANDBOX: Final = "/run/cleanroom/job.json"
"""Where the file is in a sandbox: the job has its own processes and memory then."""


@dataclass(frozen=True, slots=True)
class Job:
    """What the runtime knows of its job. Sizes in bytes, for all nodes together unless it says `node`.

    `image` is a tag; `token` opens the job's session with the engine at `host`:`port`. `args` is the JSON text that the
    script gets after `--args`. `cpus` may really be used at a time, `node_cpus` are what is scheduled by.
    """

    image: str
    account: str
    user: str
    token: str
    host: str
    port: int
    database: str
    schema: str
    warehouse: str
    entrypoint: str
    args: str
    result_limit_bytes: int
    nodes: int
    node_cpus: int
    node_gpus: int
    cpus: int
    memory_bytes: int
    scratch_bytes: int

    def to_json(self) -> str:
        """The file's text."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, path: Path) -> Job:
        """The job of this file. Raises TypeError: it has other fields than these."""
        return cls(**json.loads(path.read_bytes()))


@lru_cache(maxsize=1)
def this_job() -> Job | None:
    """The job that this process is of; None outside of one."""
    path = os.environ.get(VARIABLE)
    return Job.read(Path(path)) if path else None
