"""Every statement that each command sends, told so that two runs tell the same."""

from __future__ import annotations

import re
from dataclasses import dataclass

from e2e_parties import Pair, Party

_PATTERNS = (
    (re.compile(r"MLJOB_[0-9A-F]{16}"), "MLJOB_<ID>"),
    (re.compile(r"request_[0-9a-f]{24}"), "request_<ID>"),
    (re.compile(r"CLEANROOM_ML_LOAD_[0-9A-F]{12}"), "CLEANROOM_ML_LOAD_<ID>"),
    (re.compile(r"file:///\S*/cleanroom-ml-load-[^/']+/"), "file:///<SCRATCH>/"),
    (re.compile(r"(COMPARE\(NULL, )'sha256:[0-9a-f]{64}'"), r"\1'<IMAGE>'"),
    (re.compile(r"(BATCH_ID = |PROCESS_ACTIVATION\('golden', \[)'[0-9a-f]{32}'"), r"\1'<BATCH>'"),
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One command as it is typed in a party's directory, and what it sent to the account."""

    party: str
    words: str
    statements: tuple[str, ...]


class Recorder:
    """Runs commands of both parties, keeping their statements in order."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.recorded: list[Recorded] = []

    def types(self, party: str, words: str, *, code: int = 0, job: str = "") -> str:
        """Run `cleanroom-ml <words>` and keep what it sent; <JOB> in the words stands for a job's id. Its output."""
        statements: list[str] = []
        typed: Party = getattr(self.pair, party)
        ran = typed.quickly(*words.replace("<JOB>", job).split(), code=code, statements=statements)
        if "--wait" in words or "--watch" in words:  # how long a job is PENDING, and its pool is asked, differs
            statements = [each for each in statements if each != "SHOW COMPUTE POOLS"]
        self.recorded.append(Recorded(party, words, self._reported(statements)))
        return ran.out

    def _reported(self, statements: list[str]) -> tuple[str, ...]:
        """Without what differs from run to run; a wait asks as often as the job takes, and is told once."""
        told: list[str] = []
        for statement in statements:
            text = statement.replace(str(self.pair.root), "<PROJECT>")
            for pattern, name in _PATTERNS:
                text = pattern.sub(name, text)
            if not told or told[-1] != text:
                told.append(text)
        return tuple(told)

    def text(self) -> str:
        """The golden file: a comment with each command, then its statements."""
        blocks = []
        for each in self.recorded:
            words = re.sub(r"sha256:[0-9a-f]{64}", "sha256:<DIGEST>", each.words)
            head = f"-- {each.party}/: cleanroom-ml {words}"
            blocks.append("\n".join([head, *(f"{statement};" for statement in each.statements)]))
        return "\n\n".join(blocks) + "\n"


def walk(recorder: Recorder) -> None:
    """Every command that reaches an account, once, along both roles' walkthrough."""
    (recorder.pair.publisher.directory / "rows.csv").write_text("id,name\n1,a\n2,b\n", encoding="utf-8")
    for words in (
        "connection test",
        "load rows.csv --as ML_DB.PUBLIC.GOLDEN",
        "sql SELECT/**/COUNT(*)/**/FROM/**/ML_DB.PUBLIC.GOLDEN",
        "collaboration create",
        "offering register",
        "offering link",
        "stage",
        "spec register",
        "spec list",
        "spec show lookalike_code_golden1",
        "spec diff",
        "template register",
        "template submit",
    ):
        recorder.types("publisher", words)
    for words in (
        "roles",
        "roles --privileges",
        "collaboration list",
        "collaboration review",
        "collaboration join",
        "grant RUN --to SYSADMIN",
        "grant join-collaboration --to SYSADMIN",
        "revoke RUN --from SYSADMIN",
        "revoke join-collaboration --from SYSADMIN",
        "collaboration status",
        "collaboration show",
        "collaboration config",
        "offering link",
        "offering list",
        "requests",
        "requests list",
        "review train --reviewed reviewed_code/",
        "approve train --yes --reviewed reviewed_code/",
        "approve score --yes --reviewed reviewed_code/",
        "approve activate --yes --reviewed reviewed_code/",
        "pool create",
        "pool list",
        "pool show GOLDEN_POOL",
        "pool suspend GOLDEN_POOL",
        "pool resume GOLDEN_POOL",
        "template list",
        "template show train_golden1",
        "code list",
        "code show lookalike_code_golden1",
    ):
        if words.startswith("approve activate"):
            words = f"approve activate --yes --expect-digest {recorder.pair.digest('activate')}"
        recorder.types("advertiser", words)
    job = recorder.types("advertiser", "run score").strip()
    recorder.types("advertiser", "status <JOB> --wait", job=job)
    for words in (
        "status <JOB>",
        "status <JOB> --watch",
        "logs <JOB>",
        "logs <JOB> --events",
        "result <JOB>",
        "report <JOB>",
        "cancel <JOB>",
        "jobs",
        "history",
        "activate --yes",
    ):
        recorder.types("advertiser", words, job=job)
    for words in (
        "activation list",
        "activation process --segment lookalike_q3",
        "activation process",
        "activation export --segment lookalike_q3 --output audience.csv",
        "collaboration config ALLOW_ML_JOBS_MONITORING false",
    ):
        recorder.types("publisher", words)
    _ways_out(recorder)


def _ways_out(recorder: Recorder) -> None:
    """What ends things: a rejection, a pool dropped, a template and an offering taken back."""
    publisher = recorder.pair.publisher
    publisher.edit("train.yaml", "version: golden1", "version: unwanted1")
    recorder.types("publisher", "template submit train.yaml")
    recorder.types("advertiser", "reject train_unwanted1 --yes --reason no")
    recorder.types("advertiser", "pool drop GOLDEN_POOL --yes")
    publisher.edit("score.yaml", "version: golden1", "version: unused1")
    recorder.types("publisher", "template submit score.yaml")
    recorder.types("publisher", "requests withdraw score_unused1 --yes")
    recorder.types("publisher", "template remove score_unused1")
    recorder.types("publisher", "template remove train_golden1 --from-collaboration --yes")
    recorder.types("advertiser", "offering unlink seed_golden1")
    recorder.types("advertiser", "offering unregister seed_golden1")
    recorder.types("publisher", "registry create GOLDEN_REGISTRY --type template")
    recorder.types("publisher", "registry list")
    spec = publisher.directory / "collaboration.yaml"
    spec.write_text(spec.read_text(encoding="utf-8") + "distribution: external\n", encoding="utf-8")
    recorder.types("publisher", "collaboration edit --yes")
    recorder.types("advertiser", "collaboration leave --yes")
    recorder.types("publisher", "collaboration teardown --yes")
