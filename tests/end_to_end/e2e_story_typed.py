"""The story by the command line: a command, what its refusal says helps, and the command again."""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from unittest import mock

from e2e_parties import COMMAND, LIMIT_SECONDS, Person, Ran, inherited
from e2e_story import Cast, Row, Step
from e2e_story_console import Console, at_once
from e2e_story_files import SEGMENT, data, with_agency

from cleanroom_ml.cli import main
from cleanroom_ml.connection import session

TRIES = 12
_sleep, _monotonic = time.sleep, time.monotonic
_GRANT = re.compile(r"GRANT REFERENCE_USAGE ON DATABASE \S+ TO (?:ROLE \S+ WITH GRANT OPTION|SHARE \w+)")
_PASS_ON = re.compile(r"GRANT (?:USAGE|SELECT) ON [A-Z]+ [\w.]+ TO ROLE \w+ WITH GRANT OPTION")
_STATEMENTS = re.compile(r"cleanroom-ml sql '([^']+)'")
_COMMAND = re.compile(r"cleanroom-ml ((?:[\w./=-]+ ?)+)")
PROFILE = "ALTER USER ADMIN SET FIRST_NAME = 'A', LAST_NAME = 'B', EMAIL = 'a@b.example'"
# What a session knows is in every statement that it is told to send: only a person's own data are theirs to put in.
_LEFT_OPEN = re.compile(r"<(?:database|role|user|collaboration)>|-c NAME")
_WORDS = {
    "offer": "offering register",
    "create": "collaboration create",
    "join": "collaboration join",
    "link": "offering link",
    "stage": "stage",
    "submit": "template submit {what}.yaml",
    "reject": "reject {id} --yes --reason no",
    "approve": "approve {id} --yes --reviewed reviewed_code/",
    "pool": "pool create",
    "run": "run measure --wait",
    "edit": "collaboration edit --yes",
    "activate": "activate --yes --wait --again",
    "process": f"activation process --segment {SEGMENT}",
    "unlink": "offering unlink {offering}",
    "set": "collaboration config ALLOW_ML_JOBS_MONITORING false",
    "remove": "template remove {id} --from-collaboration --yes",
    "leave": "collaboration leave --yes",
    "teardown": "collaboration teardown --yes",
}


@dataclass
class Clock:
    """Service mode counts in questions: a pause between two goes by soon, and is counted all the same. A job does take
    a while.
    """

    gone: float = 0.0

    def sleep(self, seconds: float) -> None:
        waited = min(seconds, 0.05)
        self.gone += seconds - waited
        _sleep(waited)

    def now(self) -> float:
        return _monotonic() + self.gone


class Typist:
    """Types in everybody's directory, in this process; `killed`: each command is first begun and killed by it."""

    def __init__(self, cast: Cast, person: Person, console: Console, killed: signal.Signals | None = None) -> None:
        self.cast = cast
        self._person = person
        self._console = console
        self._killed = killed
        self._targets: dict[str, str] = {}
        self._more: tuple[str, ...] = ()

    def do(self, step: Step) -> None:
        """Until it exits with 0."""
        words = self._words(step)
        if self._killed is not None and step.again:
            self._begin_and_kill(step.party, words, self._killed)
        told, self._more = [], ()
        for _ in range(TRIES):
            ran = self.typed(step.party, *words)
            told.append(f"{step}: {' '.join(words)[:200]}: exit {ran.code}\n{ran.err}")
            assert "Traceback" not in ran.out + ran.err, told[-1]
            if ran.code == 0:
                return
            self.cast.refusals.append(told[-1])
            self._help(step.party, ran, told[-1])
            words = (*self._words(step), *self._more)
        raise AssertionError("\n".join(told))

    def repeat(self, step: Step) -> None:
        """The same words: done already, or told by name why not."""
        ran = self.typed(step.party, *self._words(step))
        said = f"{step} again: exit {ran.code}\n{ran.out}\n{ran.err}"
        assert "Traceback" not in ran.out + ran.err, said
        assert ran.code == 0 or re.search(r"^fix: .+$", ran.err, re.MULTILINE), said

    def rows(self, party: str, procedure: str, *arguments: object) -> list[Row]:
        return self._console.call(party, procedure, *arguments)

    def count(self, party: str, table: str) -> int:
        return int(str(self._console.sql(party, f"SELECT COUNT(*) AS N FROM {table}")[0]["n"]))

    def typed(self, party: str, *words: str) -> Ran:
        """One command in this process, whatever it exits with."""
        out, err, clock = io.StringIO(), io.StringIO(), Clock()
        with (
            contextlib.chdir(self.cast.root / party),
            mock.patch.dict(os.environ, {**inherited(), **self._person.variables}, clear=True),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            mock.patch.object(session, "pauses", at_once),
            mock.patch("time.sleep", clock.sleep),
            mock.patch("time.monotonic", clock.now),
        ):
            code = main.run((*words, "-c", party))
        return Ran(code, out.getvalue(), err.getvalue())

    def _words(self, step: Step) -> tuple[str, ...]:
        if step.verb == "load":
            return ("sql", "; ".join(data(step.party)))
        if step.verb == "agree" or (step.verb == "approve" and step.what != "measure"):
            return self._approval(step)
        if step.verb == "edit":
            self._edited(step.party)
        filled = _WORDS[step.verb].format(
            what=step.what, id=self.cast.id(step.what), offering=self.cast.id(step.party), name=self.cast.name
        )
        return tuple(filled.split())

    def _approval(self, step: Step) -> tuple[str, ...]:
        """What is approved is pinned by the digest that its review shows."""
        meant = (self.cast.id(step.what),) if step.what else ()
        if (key := str(step)) not in self._targets:
            for _ in range(TRIES):
                ran = self.typed(step.party, "review", *meant, "--format", "json")
                if ran.code == 0:
                    shown = ran.json
                    self._targets[key] = f"{shown['id' if 'id' in shown else 'request_id']} {shown['approval_digest']}"
                    break
            else:
                raise AssertionError(ran.err)
        request, digest = self._targets[key].split()
        return ("approve", request, "--yes", "--expect-digest", digest)

    def _edited(self, party: str) -> None:
        """The spec as it is, and the agency."""
        ran = self.typed(party, "collaboration", "show", "--format", "json")
        if ran.code == 0 and "agency" not in str(ran.json["spec"]).lower():
            text = with_agency(ran.json["spec"], self.cast.id("shop"))
            (self.cast.root / party / "collaboration.yaml").write_text(text, encoding="utf-8")

    def _help(self, party: str, ran: Ran, told: str) -> None:
        """Does what the refusal says."""
        fix = re.search(r"^fix: (.+)$", ran.err, re.MULTILINE)
        assert fix, told
        assert not _LEFT_OPEN.search(fix[1]), told
        if statements := _STATEMENTS.search(fix[1]):
            self._sql(party, statements[1])
        elif "another name" in fix[1]:
            self.cast.rename()
        elif statement := _GRANT.search(fix[1]):
            self._sql(party, statement[0])
        elif passed_on := _PASS_ON.findall(fix[1]):
            self._sql(party, "; ".join(passed_on))
        elif "--unverified-ok" in fix[1]:  # a provider is not shown what code another's template runs
            self._more = ("--unverified-ok",)
        elif "ALTER USER ADMIN SET" in fix[1]:
            self._sql(party, PROFILE)
        else:
            command = _COMMAND.search(fix[1])
            assert command, told
            if not command[1].startswith(("template submit", "activate", "run")):
                self.typed(party, *command[1].split())

    def _sql(self, party: str, text: str) -> None:
        ran = self.typed(party, "sql", text)
        assert ran.code == 0, ran.err

    def _begin_and_kill(self, party: str, words: tuple[str, ...], killed: signal.Signals) -> None:
        """Kills it once it has told which account it speaks with: it is in the midst of its calls then."""
        with subprocess.Popen(
            [str(COMMAND), *words, "-c", party],
            cwd=self.cast.root / party,
            env={**inherited(), **self._person.variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as begun:
            assert begun.stderr is not None
            begun.stderr.readline()
            begun.send_signal(killed)
            begun.communicate(timeout=LIMIT_SECONDS)
