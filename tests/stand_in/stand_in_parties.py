"""Two people who have never heard of an engine: a directory and a connection each, and `cleanroom-ml` typed there."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from stand_in_wire import Address
from stand_in_world import World

from cleanroom_ml.cli import main

COMMAND = Path(sys.executable).with_name("cleanroom-ml")
NAME = "look"
PASSWORD = "kept-to-itself-7531"
LIMIT_SECONDS = 120
_sleep, _monotonic = time.sleep, time.monotonic


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Party:
    """`apart`: each command in a process of its own, as at a terminal; else in this one, which takes a tenth."""

    directory: Path
    variables: dict[str, str]
    apart: bool = False

    def types(self, *words: str, code: int | None = 0) -> Ran:
        """One line at the terminal, its words between blanks or one by one."""
        typed = tuple(words[0].split()) if len(words) == 1 else words
        ran = self._apart(typed) if self.apart else self._here(typed)
        said = f"{' '.join(typed)}: exit {ran.code}\n{ran.out}\n{ran.err}"
        assert code is None or ran.code == code, said
        assert "Traceback" not in said, said
        assert "internal error" not in said, said
        assert PASSWORD not in said
        return ran

    def _here(self, words: tuple[str, ...]) -> Ran:
        out, err, clock = io.StringIO(), io.StringIO(), Clock()
        with (
            mock.patch.dict(os.environ, self.variables, clear=True),
            contextlib.chdir(self.directory),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            mock.patch("time.sleep", clock.sleep),
            mock.patch("time.monotonic", clock.now),
        ):
            code = main.run(words)
        return Ran(code, out.getvalue(), err.getvalue())

    def _apart(self, words: tuple[str, ...]) -> Ran:
        done = subprocess.run(
            [str(COMMAND), *words],
            cwd=self.directory,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)


@dataclass
class Clock:
    """The account makes a step a look: a pause between two looks goes by at once, and is counted all the same."""

    gone: float = 0.0

    def sleep(self, seconds: float) -> None:
        self.gone += seconds
        _sleep(0)

    def now(self) -> float:
        return _monotonic() + self.gone


@dataclass(frozen=True)
class Pair:
    """The provider, who owns the room, and the runner; `world` is what they talk to."""

    world: World
    publisher: Party
    advertiser: Party


NewPair = Callable[..., Pair]


def make_pair(address: Address, root: Path, *, apart: bool = False) -> Pair:
    """Both with `connections.toml` and an empty directory."""
    made = []
    for account in ("ACME-PUBLISHER", "GLOBEX-ADVERTISER"):
        name = account.partition("-")[2].lower()
        place = root / f"{name}s"
        (place / name).mkdir(parents=True)
        snowflake = place / "snowflake"
        snowflake.mkdir(mode=0o700)
        file = snowflake / "connections.toml"
        file.write_text(
            f'[{name}]\naccount = "{account}"\nuser = "ada"\npassword = "{PASSWORD}"\nhost = "127.0.0.1"\n'
            f'port = {address.port}\nprotocol = "http"\n'
        )
        file.chmod(0o600)
        variables = {
            "HOME": str(place), "PATH": os.environ["PATH"], "SNOWFLAKE_HOME": str(snowflake), "NO_COLOR": "1",
            "CLEANROOM_ML_CONNECTION": name, "COLUMNS": "120",
            **{f"CLEANROOM_ML_{each}": str(place / each.lower()) for each in ("HOME", "STATE", "CONFIG")},
        }  # fmt: skip
        made.append(Party(place / name, variables, apart))
    return Pair(address.world, *made)
