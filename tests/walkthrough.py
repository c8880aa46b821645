"""A walkthrough of a Markdown page: its commands, typed at a terminal as they stand there, and what they print."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

JOB = re.compile(r"MLJOB_[0-9A-F]+")


def steps(text: str) -> list[tuple[str, list[str]]]:
    """The commands of the console blocks, each with the lines that it is said to print."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((re.sub(r"\s{2,}#.*", "", line[2:]), []))
            elif line.strip() not in ("", "…"):
                found[-1][1].append(line.strip())
    return found


def as_pattern(line: str) -> str:
    """`…` stands for anything; so do hashes and sizes, which change with the code."""
    line = re.sub(r"[0-9a-f]{64}", "…", line)
    line = re.sub(r"\b\d+,\d{3} bytes", "… bytes", re.sub(r"\s{2,}\d+,\d{3}\s{2,}", "…", line))
    return ".*".join(re.escape(part) for part in line.split("…"))


def walk(shell: Shell, text: str) -> None:
    """Type every command of the text; what it is said to print must be there."""
    for command, expected in steps(text):
        if command.startswith(("make ", "source ")):
            continue
        output = shell.run(command)
        lines = output.splitlines()
        for line in expected:
            assert any(re.search(as_pattern(line), each) for each in lines), (command, line, output)


class Shell:
    """A person at a terminal: one directory after the other, `y` where something is asked."""

    def __init__(self, place: Path) -> None:
        self.directory = place
        self.job = ""
        person = {
            "CLEANROOM_ML_HOME": str(place / "home"),
            "CLEANROOM_ML_CONFIG": str(place / "config"),
            "CLEANROOM_ML_IMAGES": os.environ["CLEANROOM_ML_IMAGES"],
            "CLEANROOM_ML_STATE": str(place / "state"),
        }
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        keep = {key: value for key, value in os.environ.items() if key not in ("CI", "NO_COLOR")}
        self.environment = {**keep, **person, "PATH": path, "COLUMNS": "300", "TERM": "dumb"}

    def run(self, command: str) -> str:
        """Type one command; returns what stood on the screen. `MLJOB_…` is the last job that was seen."""
        command = command.replace("MLJOB_…", self.job)
        master, slave = pty.openpty()
        process = subprocess.Popen(
            ["bash", "-c", f"{command}\nstatus=$?\npwd > {self.environment['CLEANROOM_ML_STATE']}.pwd\nexit $status"],
            cwd=self.directory,
            env=self.environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        screen = self._watch(process, master)
        os.close(master)
        self.directory = Path(Path(f"{self.environment['CLEANROOM_ML_STATE']}.pwd").read_text().strip())
        if found := JOB.findall(screen):
            self.job = found[-1]
        refused = "is not approved yet" in screen
        assert (process.returncode == 0) != refused, f"{command}\n{screen}"
        return screen

    def _watch(self, process: subprocess.Popen[bytes], master: int) -> str:
        screen, asked, deadline = b"", 0, time.monotonic() + 300
        while time.monotonic() < deadline:
            if select.select([master], [], [], 0.1)[0]:
                try:
                    screen += os.read(master, 65536)
                except OSError:  # Linux says EIO where the other side of a terminal has closed
                    break
            elif process.poll() is not None:
                break
            if screen.count(b"[y/N]: ") > asked:
                asked += 1
                os.write(master, b"y\n")
        process.wait(timeout=30)
        return screen.decode(errors="replace").replace("\r\n", "\n")
