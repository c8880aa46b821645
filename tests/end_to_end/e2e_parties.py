"""Two people at their terminals: the sample's two directories, and `cleanroom-ml` typed in them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from cleanroom_ml.cli import context, main

SAMPLE = Path(__file__).parents[2] / "sample_projects" / "lookalike"
COMMAND = Path(sys.executable).with_name("cleanroom-ml")
LIMIT_SECONDS = 240

# Leaves in the room what `activate.yaml` reads, without any learning: seconds instead of a minute.
QUICK_CODE = {
    "train.py": "print('trained')\n__return__ = {'auc': 0.5}\n",
    "score.py": """\
import argparse
import json

from features import ranked
from snowflake.snowpark.context import get_active_session

parser = argparse.ArgumentParser()
parser.add_argument("--args", type=json.loads, default={})
args = parser.parse_args().args
scores = ranked(get_active_session().table(args["transactions"]))
scores.write.save_as_table("cleanroom.lookalike_scores", mode="overwrite")
__return__ = {"scored": scores.count()}
""",
    "features.py": """\
from snowflake.snowpark import functions as F


def ranked(transactions):
    households = transactions.group_by("HASHED_EMAIL_SHA256").agg(F.sum("SALES_VALUE").alias("SCORE"))
    return households.select(
        "HASHED_EMAIL_SHA256",
        "SCORE",
        F.lit(False).alias("ALREADY_REDEEMED"),
        F.row_number().over(Window.order_by(F.col("SCORE").desc(), "HASHED_EMAIL_SHA256")).alias("AUDIENCE_RANK"),
    )
""".replace("import functions as F\n", "import Window\nfrom snowflake.snowpark import functions as F\n"),
}


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did: its exit code and both streams."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Person:
    """Everything that the command line keeps for the person at this machine."""

    root: Path

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def variables(self) -> dict[str, str]:
        places = {"HOME": "home", "CONFIG": "config", "STATE": "state"}
        ours = {f"CLEANROOM_ML_{name}": str(self.root / place) for name, place in places.items()}
        path = f"{COMMAND.parent}:{os.environ['PATH']}"
        shared = {"CLEANROOM_ML_IMAGES": os.environ["CLEANROOM_ML_IMAGES"]}
        # Somebody who is in no /etc/passwd, as in many containers, has no other home directory than this one.
        person = {"HOME": str(self.root), "SNOWFLAKE_HOME": str(self.root / "snowflake"), "PATH": path}
        return {**ours, **shared, **person}


@dataclass(frozen=True, slots=True)
class Party:
    """One party's directory and the person who types there."""

    directory: Path
    person: Person

    def types(self, *words: str, code: int = 0) -> Ran:
        """The command as a process of its own, without a terminal. Fails the test where it exits with another code."""
        done = subprocess.run(
            [str(COMMAND), *words],
            cwd=self.directory,
            env={**inherited(), **self.person.variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        return _as_expected(words, Ran(done.returncode, done.stdout, done.stderr), code)

    def quickly(self, *words: str, code: int = 0, statements: list[str] | None = None) -> Ran:
        """The same command inside this process: without an interpreter's start, and telling its SQL to `statements`."""
        out, err = io.StringIO(), io.StringIO()
        observer = None if statements is None else statements.append
        with (
            contextlib.chdir(self.directory),
            mock.patch.dict(os.environ, {**inherited(), **self.person.variables}, clear=True),
            mock.patch.object(context, "statement_observer", observer),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            exit_code = main.run(words)
        return _as_expected(words, Ran(exit_code, out.getvalue(), err.getvalue()), code)

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace text that is there exactly once."""
        path = self.directory / name
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {name}"
        path.write_text(text.replace(old, new), encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Pair:
    """The two directories of one project."""

    root: Path
    person: Person
    publisher: Party = field(init=False)
    advertiser: Party = field(init=False)

    def __post_init__(self) -> None:
        for name in ("publisher", "advertiser"):
            object.__setattr__(self, name, Party(self.root / name, self.person))

    def bind(self) -> None:
        """Say which account each directory uses."""
        for name, party in (("publisher", self.publisher), ("advertiser", self.advertiser)):
            party.quickly("connection", "use", name)

    def meet(self) -> None:
        """Up to the point where the publisher has code to show: both joined, both offered their tables."""
        self.publisher.quickly("collaboration", "create")
        self.advertiser.quickly("collaboration", "join")
        self.publisher.quickly("offering", "link")
        self.advertiser.quickly("offering", "link")

    def submit(self) -> None:
        self.publisher.quickly("stage")
        self.publisher.quickly("template", "submit")

    def approve(self, *templates: str) -> None:
        for template in templates:
            self.advertiser.quickly("approve", template, "--yes", "--reviewed", "reviewed_code/")

    def digest(self, template: str) -> str:
        return str(self.advertiser.quickly("review", template, "--format", "json").json["approval_digest"])


def copy_project(person: Person, place: Path, name: str | None = None, *, quick_code: bool = True) -> Pair:
    """A copy of the sample. With a `name`, its collaboration, versions and stage directory are that name's own."""
    shutil.copytree(SAMPLE, place, ignore=shutil.ignore_patterns("data", "__pycache__", "*.csv", "*.parquet"))
    if quick_code:
        for directory in ("publisher/code", "advertiser/reviewed_code"):
            for file, text in QUICK_CODE.items():
                # Content of its own, so that nothing done to one project's objects is done to another's.
                (place / directory / file).write_text(f"# {name}\n{text}", encoding="utf-8")
    if name is not None:
        for path in place.rglob("*.yaml"):
            text = path.read_text(encoding="utf-8")
            for old, new in (
                ("version: V1", f"version: {name}1"),
                ("version: v1", f"version: {name}1"),
                ("features_v1", f"features_{name}1"),
                ("seed_v1", f"seed_{name}1"),
                ("lookalike_code_V1", f"lookalike_code_{name}1"),
                ("ML_STAGE/lookalike", f"ML_STAGE/{name}"),
                ("name: lookalike\n", f"name: {name}\n"),
                ("collaboration: lookalike\n", f"collaboration: {name}\n"),
                ("{name: ML_POOL,", f"{{name: {name.upper()}_POOL,"),
            ):
                text = text.replace(old, new)
            path.write_text(text, encoding="utf-8")
    return Pair(place, person)


def inherited() -> dict[str, str]:
    """The environment without anything of ours or of Snowflake's."""
    ours = ("CLEANROOM_ML_", "SNOWFLAKE_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def _as_expected(words: tuple[str, ...], ran: Ran, code: int) -> Ran:
    assert ran.code == code, f"{' '.join(words)}: exit {ran.code}, not {code}\n{ran.out}\n{ran.err}"
    return ran


NewProject = Callable[[str], Pair]
"""The fixture `new_project`: both parties in a project of this name."""
