"""A sample project from `init --from NAME` to its activation, through the commands that its README shows.

Any project of `sample_projects/` will do that keeps to the shape of the others:

- one directory a party, named as its alias; `LOCAL.<alias>` is its account, and `cleanroom.yaml` its project file;
- exactly one of them owns the collaboration (`collaboration.yaml`), one brings the templates, one has `runs`;
- `generate.py` writes `<party>/data/*.parquet`, `load.py PARTY` loads them;
- `expected.json` says what comes out: `small` for these tests, `full` for the data as they are. Of each, `generate`
  has the arguments of generate.py, `results` what the runs return, by run, and `activated_rows` how many rows arrive.

A test does `run = start_sample("propensity")` (small data, generated and loaded), then `finished = run.to_the_end()`
and `run.check(finished)`; then what is particular to the project. `to_the_end` is `meet`, `submit`, `approve` for
everybody, `run_all` and `activate`, which can be called one by one.

In expected.json a pair of numbers is a range, both ends included; an object is compared key by key (keys that it leaves
out are not compared); everything else has to be equal.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from e2e_parties import Party, Person

LIMIT_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Finished:
    """What a whole run left: results and logs of the jobs by the run's name, and the rows that were received."""

    results: dict[str, Any]
    logs: dict[str, str]
    activated: list[dict[str, str]]


class SampleRun:
    """One copy of a sample project, and everybody who works in it.

    Args:
        name: of the sample project.
        root: where its copy goes; must not exist.
        person: whose engine it is.
        size: `small` or `full`, see expected.json.
    """

    def __init__(self, name: str, root: Path, person: Person, *, size: str = "small") -> None:
        self.name, self.root, self.person, self.size = name, root, person, size
        self.parties: dict[str, Party] = {}

    def prepare(self) -> None:
        """`init --from`, the parties' data, accounts and connections: everything before the clean room."""
        Party(self.root.parent, self.person).types("init", str(self.root), "--from", self.name)
        for file in sorted(self.root.glob("*/cleanroom.yaml")):
            self.parties[file.parent.name] = Party(file.parent, self.person)
        self._script("generate.py", *self.expected["generate"])
        for name, party in self.parties.items():
            party.quickly("account", "create", name)
            party.quickly("connection", "use", name)
            self._script("load.py", name)

    def meet(self) -> None:
        """The owner creates, the others join, everybody offers their tables."""
        self.owner.quickly("collaboration", "create")
        for party in self.parties.values():
            if party is not self.owner:
                party.quickly("collaboration", "join")
        for party in self.parties.values():
            if self.project(party).get("offerings"):
                party.quickly("offering", "link")

    def submit(self) -> None:
        """Whoever brings the templates stages the code and asks for approval."""
        self.provider.quickly("validate")
        self.provider.quickly("stage")
        self.provider.quickly("template", "submit")

    def approve(self, name: str) -> None:
        """A party compares what it is asked for with what it has read (without code: by digest), and agrees."""
        party = self.parties[name]
        for request in party.quickly("requests", "--format", "json").json:
            if request["status"] == "PENDING_MY_APPROVAL":
                self._approve(party, request["id"])

    def run_all(self) -> tuple[dict[str, Any], dict[str, str]]:
        """Every run of the runner, in their order; results and logs by name."""
        self.runner.quickly("pool", "create")
        results, logs = {}, {}
        for name in self.project(self.runner)["runs"]:
            results[name], logs[name] = self.run(name)
        return results, logs

    def run(self, name: str, *words: str) -> tuple[Any, str]:
        """One run to its end: what the job returned and its log; for a template without a job its rows, and no log."""
        ran = self.runner.quickly("run", name, "--wait", "--format", "json", *words).json
        if isinstance(ran, list):
            return ran, ""
        result = self.runner.quickly("result", ran["job_id"], "--format", "json").json["result"]
        return result, self.runner.quickly("logs", ran["job_id"]).out

    def activate(self, *words: str) -> list[dict[str, str]]:
        """The runner sends, the receiver takes and exports to a file: its rows."""
        wanted = self.project(self.runner)["activate"]
        self.runner.quickly("activate", "--yes", *words)
        return self.received(wanted["to"], wanted["segment"])

    def received(self, party: str, segment: str) -> list[dict[str, str]]:
        """The rows of a segment, as `activation export` writes them for its receiver."""
        receiver = self.parties[party]
        receiver.quickly("activation", "process", "--segment", segment)
        receiver.quickly("activation", "export", "--segment", segment, "--output", f"{segment}.csv")
        with (receiver.directory / f"{segment}.csv").open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def to_the_end(self) -> Finished:
        """All of it, from parties who have never met to the rows that one of them receives."""
        self.meet()
        self.submit()
        for name in self.parties:
            self.approve(name)
        results, logs = self.run_all()
        return Finished(results, logs, self.activate())

    def check(self, finished: Finished) -> None:
        """Compare with expected.json; all differences at once."""
        self.check_results(finished.results, finished.activated)

    def check_results(self, results: dict[str, Any], activated: list[dict[str, str]]) -> None:
        wrong = []
        for name, expected in self.expected["results"].items():
            wrong += _differences(expected, results[name], name)
        wrong += _differences(self.expected["activated_rows"], len(activated), "activated_rows")
        assert not wrong, "\n".join(wrong)

    @property
    def expected(self) -> dict[str, Any]:
        loaded = json.loads((self.root / "expected.json").read_text(encoding="utf-8"))
        return dict(loaded[self.size])

    @property
    def owner(self) -> Party:
        return next(party for party in self.parties.values() if (party.directory / "collaboration.yaml").is_file())

    @property
    def provider(self) -> Party:
        return next(party for party in self.parties.values() if self.project(party).get("templates"))

    @property
    def runner(self) -> Party:
        return next(party for party in self.parties.values() if self.project(party).get("runs"))

    def project(self, party: Party) -> dict[str, Any]:
        """The party's project file."""
        return dict(yaml.safe_load((party.directory / "cleanroom.yaml").read_text(encoding="utf-8")))

    def _approve(self, party: Party, request: str) -> None:
        review = party.quickly("review", request, "--format", "json").json
        if review["jobs"]:
            reviewed = str(self.project(party)["reviewed"])
            party.quickly("approve", request, "--yes", "--reviewed", reviewed)
        else:
            party.quickly("approve", request, "--yes", "--expect-digest", review["approval_digest"])

    def _script(self, *words: str) -> None:
        done = subprocess.run(
            [sys.executable, *words],
            cwd=self.root,
            env=self.person.variables,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"


def _differences(expected: Any, got: Any, where: str) -> list[str]:
    if isinstance(expected, dict):
        if not isinstance(got, dict):
            return [f"{where}: {got!r} is no object"]
        return [each for key, value in expected.items() for each in _differences(value, got.get(key), f"{where}.{key}")]
    if isinstance(expected, list) and len(expected) == 2 and all(isinstance(end, int | float) for end in expected):
        within = isinstance(got, int | float) and expected[0] <= got <= expected[1]
        return [] if within else [f"{where}: {got!r} is not between {expected[0]} and {expected[1]}"]
    if isinstance(expected, float):
        return [] if got == pytest.approx(expected) else [f"{where}: {got!r}, not {expected!r}"]
    return [] if got == expected else [f"{where}: {got!r}, not {expected!r}"]
