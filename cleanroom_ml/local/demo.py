"""The lookalike story on this machine: two accounts, real data, every step through the services of the commands."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.errors import CleanroomError, JobFailedError
from cleanroom_ml.json_values import Document
from cleanroom_ml.local import accounts
from cleanroom_ml.local.engine import ensure_running
from cleanroom_ml.local.sample_tables import load_tables
from cleanroom_ml.services import (
    activation,
    activation_export,
    approvals,
    collaborations,
    jobs,
    offerings,
    pools,
    staging,
    templates,
)
from cleanroom_ml.services.code_specs import register_code_spec
from cleanroom_ml.services.connections import Connection, bind, connect, resolve
from cleanroom_ml.services.projects import Project, copy_sample, load_project, samples
from cleanroom_ml.services.review import review_request
from cleanroom_ml.services.subjects import subject_of
from cleanroom_ml.services.update_requests import list_requests
from cleanroom_ml.services.verification import verify_reviewed
from cleanroom_ml.services.whose import guard

SAMPLE = "lookalike"
PARTIES = ("publisher", "advertiser")
# Accounts of their own, so that the walkthrough in the README starts from nothing.
ACCOUNTS = {"publisher": "demo_publisher", "advertiser": "demo_advertiser"}
SEGMENT = "lookalike_q3"


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened: who did it, what, and what they saw."""

    party: str
    did: str
    saw: str = ""


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the story ended with. `auc` and `capture_at_20` are out of fold; `seconds` is wall time."""

    job_ids: dict[str, str]
    approval_digest: str
    approval_digests: dict[str, str]
    auc: float
    capture_at_20: float
    households: int
    redeemers: int
    activated_rows: int
    audience: Path
    project: Path
    home: Path
    isolation: str
    isolation_reason: str
    seconds: float


Tell = Callable[[Step], None]


def run_demo(home: Home, tell: Tell, *, shuffle_labels: bool = False, arguments: tuple[str, ...] = ()) -> DemoResult:
    """Run the whole story; what an earlier run has done already is found and kept.

    Args:
        arguments: further arguments of the engine, should it have to be started.

    Raises:
        CleanroomError: whatever a step met; nothing has to be cleaned up before the next try.
    """
    began = time.monotonic()
    engine = ensure_running(home, arguments=arguments)
    tell(Step("engine", f"runs at {engine.host}:{engine.port}", f"isolation: {engine.isolation}"))
    directory = _prepare_project(home)
    _generate(directory)
    with _parties(home, directory) as (publisher, advertiser):
        for party, connection in (("publisher", publisher), ("advertiser", advertiser)):
            _load_data(directory, party, connection, tell)
        where = "without a sandbox" if engine.isolation_reason else "in the sandbox"
        story = _Story(directory, publisher, advertiser, tell, where)
        story.meet()
        digests = story.agree()
        story.prepare_pool()
        train, metrics = story.job("train", {"shuffle_labels": True} if shuffle_labels else {})
        _tell_metrics(tell, metrics)
        score, _ = story.job("score", {})
        exported = story.activate()
    return DemoResult(
        job_ids={"train": train, "score": score},
        approval_digest=digests["train"],
        approval_digests=digests,
        auc=float(metrics["auc"]),
        capture_at_20=float(metrics["capture_at_20"]),
        households=int(metrics["households"]),
        redeemers=int(metrics["positives"]),
        activated_rows=exported.rows,
        audience=exported.path,
        project=directory,
        home=home.path,
        isolation=str(engine.isolation),
        isolation_reason=engine.isolation_reason,
        seconds=round(time.monotonic() - began, 1),
    )


class _Story:
    """The steps, in the order in which two companies take them."""

    def __init__(self, directory: Path, publisher: Connection, advertiser: Connection, tell: Tell, where: str) -> None:
        self.directory = directory
        self.where = where
        self.publisher, self.advertiser = publisher, advertiser
        self.provider: Project = load_project(directory / "publisher")
        self.runner: Project = load_project(directory / "advertiser")
        self.collaboration = str(self.provider.collaboration)
        self.tell = tell

    def meet(self) -> None:
        """Create and join the collaboration; each offers its tables, column by column."""
        spec = collaborations.read(self.provider.collaboration_path)
        created = collaborations.create(self.publisher, spec)
        self._tell("publisher", f"created the collaboration {created.collaboration}", created.status)
        joined = collaborations.join(self.advertiser, self.collaboration, owner_account=created.owner_account)
        self._tell("advertiser", "reviewed the invitation and joined", joined.status)
        for party, connection, project in (
            ("publisher", self.publisher, self.provider),
            ("advertiser", self.advertiser, self.runner),
        ):
            for path in project.offering_paths:
                offerings.register_offering(connection, path)
                linked = offerings.link(connection, self.collaboration, offerings.offering_id(path), ("advertiser",))
                self._tell(party, f"offered {linked.offering_id}", "readable by approved templates only")

    def agree(self) -> dict[str, str]:
        """Stage, register, submit; review against the runner's own copy of the code, approve. Digests by template."""
        code = self.provider.code_directory
        if code is None or self.provider.stage is None or self.runner.reviewed_directory is None:
            raise CleanroomError("the sample project is not complete", fix="install cleanroom-ml again")
        staged = staging.stage_directory(self.publisher, code, staging.StageLocation.parse(self.provider.stage))
        self._tell("publisher", f"staged {staged.files} files", staged.content_digest)
        self._follow_the_image()
        sent = templates.submit(
            self.publisher, self.provider, self.collaboration, self.provider.template_paths, runners=("advertiser",)
        )
        names = ", ".join(each.template_id for each in sent.requests)
        self._tell("publisher", "registered the code and the templates, asked for approval", names)
        digests = {}
        wanted = {each.request_id for each in sent.requests}
        for request in list_requests(self.advertiser, self.collaboration):
            if request.id not in wanted:
                continue
            subject = subject_of(self.advertiser, self.collaboration, request)
            review = review_request(self.collaboration, request, subject)
            if review.jobs:
                verify_reviewed(review, self.runner.reviewed_directory)
            done = approvals.approve(self.advertiser, self.collaboration, request, review, project=self.runner)
            checked = "every file equals the reviewed copy" if review.jobs else "no code to run"
            verb = "approved" if done.changed else "had approved"
            self._tell("advertiser", f"{verb} {review.template_id}: {checked}", review.approval_digest)
            digests[review.template_id.rpartition("_")[0]] = review.approval_digest
        return digests

    def _follow_the_image(self) -> None:
        """Where the image that was approved is not on this machine any more: the next version, in the one of now."""
        for path in self.provider.code_spec_paths:
            registered = register_code_spec(self.publisher, self.provider, path)
            if not all(drift.kept for drift in registered.drift):
                again = register_code_spec(self.publisher, self.provider, path, bump=True)
                self._tell("publisher", f"registered {again.id}", "the image that was approved is gone")

    def prepare_pool(self) -> None:
        pool = self.runner.pool
        if pool is None:
            raise CleanroomError("the sample project names no pool", fix="install cleanroom-ml again")
        made = pools.create_pool(
            self.advertiser,
            pool.name,
            pool.family,
            nodes=pool.nodes,
            collaboration=self.collaboration,
            warehouse=accounts.WAREHOUSE,
        )
        self._tell("advertiser", f"has the compute pool {made.pool.name}", made.pool.instance_family)

    def job(self, name: str, arguments: dict[str, object]) -> tuple[str, Document]:
        """Run one job of the runner's project to its end; its id and what it returned.

        Raises:
            JobFailedError: with the end of its log.
        """
        entry, pool = self.runner.runs[name], self.runner.pool
        given = {**entry.args, **arguments, "compute_pool": pool.name if pool else ""}
        wanted = jobs.JobRun(self.collaboration, entry.template, entry.tables, entry.my_tables, given)
        job_id = jobs.run(self.advertiser, wanted).job_id
        if job_id is None:
            raise CleanroomError(f"the template {entry.template} started no job")
        self._tell("advertiser", f"runs {name} {self.where}", job_id)
        ended = jobs.wait(self.advertiser, self.collaboration, job_id, on_log=self._tell_log)
        if ended.status != "DONE":
            raise JobFailedError(
                f"the job {name} ended {ended.status}",
                why=ended.message or ended.reason,
                fix=f"cd {self.directory}/advertiser && cleanroom-ml logs {job_id}",
            )
        returned = jobs.result(self.advertiser, self.collaboration, job_id)
        return job_id, returned if isinstance(returned, dict) else {}

    def activate(self) -> activation_export.Exported:
        """Send the best-scored households that have not redeemed; the publisher receives and writes them to a file."""
        request = activation.ActivationRequest(self.collaboration, "activate", "publisher", SEGMENT)
        sent = activation.activate(self.advertiser, request, again=True)  # the demo may be shown twice
        self._tell("advertiser", f"activated {sent.segment_name} to publisher", sent.status)
        activation.process(self.publisher, self.collaboration, SEGMENT)
        path = self.directory / "publisher" / "audience.csv"
        exported = activation_export.export(self.publisher, self.collaboration, SEGMENT, path)
        self._tell("publisher", f"received {exported.rows:,} households", str(path))
        return exported

    def _tell(self, party: str, did: str, saw: str = "") -> None:
        self.tell(Step(party, did, saw))

    def _tell_log(self, text: str) -> None:
        for line in text.splitlines():
            self.tell(Step("job", line))


def _tell_metrics(tell: Tell, metrics: Document) -> None:
    reported = f"AUC {metrics['auc']}, capture in the best 20 %: {metrics['capture_at_20']}"
    tell(Step("advertiser", "sees the metrics and no row of the publisher's data", reported))


def _prepare_project(home: Home) -> Path:
    """The demo's copy of the sample, with accounts and versions of its own; one for each content of the sample."""
    source = samples().get(SAMPLE)
    if source is None:
        raise CleanroomError("the sample projects are not installed", fix="pip install 'cleanroom-ml[engine,samples]'")
    version = _version(source)
    directory = home.path / "demo" / version / SAMPLE
    if not directory.exists():
        draft = directory.with_name(f"{SAMPLE}.{os.getpid()}")
        copy_sample(SAMPLE, draft)
        for path in sorted(draft.rglob("*.yaml")):
            text = path.read_text(encoding="utf-8")
            for old, new in _replacements(version):
                text = text.replace(old, new)
            path.write_text(text, encoding="utf-8")
        draft.replace(directory)
    return directory


def _version(source: Path) -> str:
    """A version that stands for the sample's content: another content is another version, so nothing conflicts."""
    digest = hashlib.sha256()
    for path in sorted(source.rglob("*")):
        if path.suffix in (".py", ".yaml") and "data" not in path.parts and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(source)}\0".encode() + path.read_bytes() + b"\0")
    return f"d{digest.hexdigest()[:8]}"


def _replacements(version: str) -> Iterator[tuple[str, str]]:
    yield "version: V1", f"version: {version}"
    yield "lookalike_code_V1", f"lookalike_code_{version}"
    yield "name: lookalike\n", f"name: demo_{version}\n"
    yield "collaboration: lookalike\n", f"collaboration: demo_{version}\n"
    for party, account in ACCOUNTS.items():
        yield f"owner: LOCAL.{party.upper()}\n", f"owner: LOCAL.{account.upper()}\n"
        yield f"{party}: LOCAL.{party.upper()}", f"{party}: LOCAL.{account.upper()}"


def _generate(directory: Path) -> None:
    if (directory / "advertiser/data/redeemers.parquet").exists():
        return
    done = subprocess.run(
        [sys.executable, str(directory / "generate.py")], capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode:
        reported = done.stderr.strip().splitlines() or ["no message"]
        why = next((line.removeprefix("error: ") for line in reported if line.startswith("error: ")), reported[-1])
        raise CleanroomError("the sample's data cannot be made", why=why, fix="pip install 'cleanroom-ml[samples]'")


@contextmanager
def _parties(home: Home, directory: Path) -> Iterator[tuple[Connection, Connection]]:
    """Both parties logged in, each with its own account and key."""
    for party in PARTIES:
        accounts.create(ACCOUNTS[party], home=home)
        bind(directory / party, ACCOUNTS[party])
    publisher, advertiser = (
        guard(connect(resolve(ACCOUNTS[party], directory=directory / party)), load_project(directory / party))
        for party in PARTIES
    )
    with publisher, advertiser:
        yield publisher, advertiser


def _load_data(directory: Path, party: str, connection: Connection, tell: Tell) -> None:
    spec = importlib.util.spec_from_file_location("lookalike_load", directory / "load.py")
    if spec is None or spec.loader is None:
        raise CleanroomError("the sample project is not complete", fix="install cleanroom-ml again")
    sample = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sample)
    for table, rows, fresh in load_tables(connection, sample.TABLES[party], directory / party):
        tell(Step(party, f"{'loaded' if fresh else 'has'} {table}", f"{rows:,} rows"))
