"""Who tells the main process that a node is lost, and when nobody does any more."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cleanroom_ml.runtime.cluster.forming import Forming

LOST = b'{"lost": "node-1", "process": "raylet", "how": "its process was ended by signal 9 (SIGKILL)", "log": ""}\n'


class Pipes:
    """The two pipes between a main process and its keeper; `seen` is what `watch` was told."""

    def __init__(self, tmp_path: Path) -> None:
        life_read, life_write = os.pipe()
        told_read, self.reported = os.pipe()
        self.life = os.fdopen(life_read, "rb")
        self.forming: Any = object.__new__(Forming)
        self.forming._life, self.forming._reported = os.fdopen(life_write, "wb"), os.fdopen(told_read, "rb")
        self.forming._keeper, self.forming._directory = SimpleNamespace(wait=lambda: None), tmp_path / "ray"
        self.seen: list[str] = []

    def watch(self) -> threading.Thread:
        watching = threading.Thread(target=lambda: self.forming._watch(self._lost), daemon=True)
        watching.start()
        return watching

    def _lost(self, what: str) -> None:
        self.seen.append(what)

    def tell(self, line: bytes) -> None:
        os.write(self.reported, line)
        os.close(self.reported)


@pytest.mark.parametrize("line", [LOST, b""], ids=["a node", "the keeper itself"])
def test_a_loss_while_the_script_runs_is_told(line: bytes, tmp_path: Path) -> None:
    pipes = Pipes(tmp_path)
    watching = pipes.watch()
    pipes.tell(line)
    watching.join(10)
    assert len(pipes.seen) == 1


@pytest.mark.parametrize("line", [LOST, b""], ids=["a node", "the keeper itself"])
def test_what_dies_because_the_job_ends_never_fails_a_script_that_succeeded(line: bytes, tmp_path: Path) -> None:
    pipes = Pipes(tmp_path)
    watching = pipes.watch()
    pipes.forming.end()
    assert pipes.life.read() == b"", "the keeper sees the end, and kills its nodes"
    pipes.tell(line)
    watching.join(10)
    assert not watching.is_alive()
    assert pipes.seen == []
