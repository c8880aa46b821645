"""The two clients that pages are run with: the connector, and the `snow` program in an environment of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import snowflake.connector

from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.local import accounts

OPENING = ("USE ROLE SAMOOHA_APP_ROLE", "USE WAREHOUSE APP_WH", "USE SECONDARY ROLES NONE")
"""How a session begins where a page does not say it: the environment that the documentation sets up once."""
_STATE = re.compile(r"(USE|SET)\s", re.IGNORECASE)
_BEFORE_IT = re.compile(r"LAST_QUERY_ID\s*\(", re.IGNORECASE)
_MARK = "statement-passed-"


class Client(Protocol):
    """What runs the statements of one party, in one session that lasts for the page."""

    def run(self, texts: Sequence[str]) -> list[str]:
        """What each statement was refused with, "" where it passed. Later statements run whatever became of one."""


@dataclass(slots=True)
class Connector:
    """snowflake-connector-python, in this process."""

    connection: Mapping[str, Any]  # Any: what the connector's own connect() takes
    _open: Any = None  # Any: the connector's connection is not typed

    def rows(self, text: str) -> list[dict[str, Any]]:
        """The rows of a statement of ours. Raises the connector's errors."""
        if self._open is None:
            self._open = snowflake.connector.connect(**self.connection)
            for each in OPENING:
                self._open.cursor().execute(each)
        cursor = self._open.cursor(snowflake.connector.DictCursor)
        return list(cursor.execute(text).fetchall())

    def run(self, texts: Sequence[str]) -> list[str]:
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> str:
        try:
            self.rows(text)
        except snowflake.connector.errors.Error as error:
            return short(error.msg or str(error))
        return ""

    def close(self) -> None:
        """Ends the session."""
        if self._open is not None:
            self._open.close()


@dataclass(slots=True)
class Snow:
    """`snow sql`: a process a stretch of statements. A session is one process, so the next begins with what was set."""

    program: Path
    home: Home
    connection: str
    place: Path
    _state: list[str] = field(default_factory=lambda: list(OPENING))

    def run(self, texts: Sequence[str]) -> list[str]:
        told: list[str] = []
        while len(told) < len(texts):
            rest = texts[len(told) :]
            passed, error = self._process(rest)
            self._state.extend(text for text in rest[:passed] if _STATE.match(text))
            told.extend([""] * passed)
            if passed < len(rest):
                told.append(error)
        return told

    def _process(self, texts: Sequence[str]) -> tuple[int, str]:
        """How many passed, and what the next was refused with."""
        script = [*self._state]
        for number, text in enumerate(texts):
            script.append(text)
            # Nothing of ours may come between a statement and the one that asks for its result.
            if number + 1 == len(texts) or not _BEFORE_IT.search(texts[number + 1]):
                script.append(f"SELECT '{_MARK}{number}.' AS \"page\"")
        file = self.place / "worksheet.sql"
        file.write_text("".join(f"{each.rstrip()}\n;\n" for each in script), encoding="utf-8")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.place),
            "SNOWFLAKE_HOME": str(self.home.path),
            "SNOWFLAKE_CLI_FEATURES_SNOWFLAKE_CLI_USAGE_TELEMETRY": "false",
            "SNOWFLAKE_CLI_IGNORE_NEW_VERSION_WARNING": "true",
            "SNOWFLAKE_DISABLE_PLATFORM_DETECTION": "true",
        }
        done = subprocess.run(
            [str(self.program), "sql", "-f", str(file), "-c", self.connection, "--format", "json"],
            env=environment, cwd=self.place, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        seen = [int(number) for number in re.findall(rf'"{_MARK}(\d+)\."', done.stdout)]
        if done.returncode == 0:
            return len(texts), ""
        return (max(seen) + 1 if seen else 0), short(re.sub(r"[╭╮╰╯│─]", " ", done.stderr + done.stdout[-2000:]))

    def close(self) -> None:
        """A process has ended when it has answered."""


def short(error: str) -> str:
    """An error on one line, without what is another each time."""
    told = re.sub(r"(^|\s)\d{6} \(\w{5}\): [0-9a-f-]{36}: ", " ", error)
    told = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}:?\s*", "", told)
    return " ".join(told.split())[:300]


def snow_program() -> Path | str:
    """The program, installed once apart from everything of ours; or why it cannot be had here."""
    default = Path(tempfile.gettempdir()) / f"cleanroom-ml-test-cache-{os.getuid()}"
    place = Path(os.environ.get("CLEANROOM_ML_TEST_CACHE") or default) / "snowflake-cli"
    program = place / "bin" / "snow"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True, capture_output=True, timeout=120)
        pip = [str(place / "bin" / "pip"), "install", "--quiet", "snowflake-cli"]
        done = subprocess.run(pip, capture_output=True, text=True, timeout=500, check=False)
        if done.returncode:
            return f"snowflake-cli cannot be installed here: {done.stderr.strip().splitlines()[-1]}"
    return program


def connector(home: Home, account: str) -> Connector:
    """The connector as the user of an account, which is made where it is not there."""
    made = accounts.create(account, home=home)
    return Connector(dict(accounts.connections(home)[made.connection]))
