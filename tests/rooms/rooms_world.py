"""A room with three real accounts: publisher (owns, provides data and templates), advertiser (runs), stranger."""

from __future__ import annotations

import io
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from cleanroom_ml.engine.assembly.procedures import DATABASE, OWN_DATABASE, ProcedureTable, StatementRunner
from cleanroom_ml.engine.contracts.job import JobNotFoundError, JobRequest, JobState, JobStatus
from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.rooms.rooms import Rooms
from cleanroom_ml.engine.statements.executor import Executor
from cleanroom_ml.engine.statements.results import Spooled
from cleanroom_ml.engine.storage.changes import CreateTable
from cleanroom_ml.engine.storage.keys import Column, Key, TableObject
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage

HASH = "a" * 64
# A key is made faster than a password is hashed, and nobody logs in here.
PUBLIC_KEY = (
    rsa.generate_private_key(65537, 2048)
    .public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)


class JobBook:
    """The port `JobLauncher` as a book: what was submitted, and what the test says about it."""

    def __init__(self) -> None:
        self.requests: dict[str, JobRequest] = {}
        self.states: dict[str, JobState] = {}

    def submit(self, request: JobRequest) -> str:
        job_id = f"JOB_{len(self.requests) + 1}"
        self.requests[job_id] = request
        self.states[job_id] = JobState.PENDING
        return job_id

    def request(self, job_id: str) -> JobRequest:
        if job_id not in self.requests:
            raise JobNotFoundError(job_id)
        return self.requests[job_id]

    def status(self, job_id: str) -> JobStatus:
        job = self.request(job_id)
        now = datetime(2026, 1, 1, tzinfo=UTC)
        fixed = (job.pool, job.nodes, job.template_id, job.code_spec_id, job.job.name, job.approval_digest)
        return JobStatus(
            job_id, self.states[job_id], "none", "", None, now, None, None, *fixed, "bubblewrap", "none", None
        )

    def logs(self, job_id: str, offset: int = 0) -> str:
        return f"the log of {self.request(job_id).job.name}"[offset:]

    def tail(self, job_id: str) -> str:
        return self.logs(job_id)

    def events(self, job_id: str, offset: int = 0) -> str:
        return f"the events of {self.request(job_id).job.name}"[offset:]

    def usage(self, job_id: str) -> Mapping[str, Any]:
        return {"points": [], "job": self.request(job_id).job.name}

    def result(self, job_id: str) -> str | None:
        return '{"auc": 0.8}'

    def cancel(self, job_id: str) -> None:
        self.states[job_id] = JobState.CANCELLED

    def list(self, account: str, collaboration: str) -> Sequence[JobStatus]:
        return [self.status(job) for job, request in self.requests.items() if request.account == account]


def records(result: Any) -> list[dict[str, Any]]:
    """A statement's rows by column name, read out of the spool file where they are there."""
    if isinstance(result, Spooled):
        found: list[dict[str, Any]] = []
        for batch in result.batches:
            data = result.path.read_bytes()[batch.offset : batch.offset + batch.length]
            columns = pa.ipc.open_stream(data).read_all().to_pydict()
            names = [column.name for column in result.columns]
            found += [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        return found
    assert isinstance(result, Rows)
    return [dict(zip([name for name, _ in result.columns], row, strict=True)) for row in result.rows]


@dataclass
class Party:
    """One account's client."""

    procedures: ProcedureTable
    session: Session
    executor: Executor

    def call(self, name: str, *args: Any) -> list[dict[str, Any]]:
        schema = "REGISTRY" if "REGISTER" in name or "REGISTR" in name else "COLLABORATION"
        return records(
            self.procedures.call(self.session, (DATABASE, schema, name), args, query_id=secrets.token_hex(8))
        )

    def own(self, name: str, *args: Any, schema: str = "APPROVALS") -> list[dict[str, Any]]:
        """One of the engine's own, `CLEANROOM_ML.<schema>.<name>`; or with its schema: `own("JOBS.STATUS", …)`."""
        called = (OWN_DATABASE, *(name.split(".") if "." in name else (schema, name)))
        return records(self.procedures.call(self.session, called, args, query_id=secrets.token_hex(8)))

    def sql(self, text: str) -> list[dict[str, Any]]:
        """A statement of the account's own session."""
        return records(self.executor.execute(self.session, text, query_id=secrets.token_hex(8)))

    def value(self, name: str, *args: Any) -> Any:
        return next(iter(self.call(name, *args)[0].values()))


@dataclass
class World:
    storage: Storage
    rooms: Rooms
    jobs: JobBook
    runner: StatementRunner
    parties: dict[str, Party] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Party:
        try:
            return self.parties[name.upper()]
        except KeyError:
            raise AttributeError(name) from None

    def table(
        self, account: str, name: str, columns: Mapping[str, list[Any]], types: Mapping[str, str] | None = None
    ) -> Key:
        """A permanent table DATA.PUBLIC.<name> with these rows."""
        buffer = io.BytesIO()
        rows = pa.table(dict(columns))
        pq.write_table(rows, buffer)
        sha = self.storage.objects.put_bytes(buffer.getvalue())
        self.storage.namespaces.create_database(account, "DATA", if_exists="ignore")
        key = Key(account, "DATA", "PUBLIC", name)
        stored = tuple(Column(column, (types or {}).get(column, "VARCHAR")) for column in columns)
        objects = (TableObject(sha, rows.num_rows, len(buffer.getvalue())),)
        self.storage.tables.commit([CreateTable(key, stored, objects=objects, if_exists="replace")])
        return key

    def stage(self, account: str, files: Mapping[str, str], *, refresh: bool = True) -> Key:
        """Stage DATA.PUBLIC.CODE with a directory table, holding these files (and what it held before)."""
        self.storage.namespaces.create_database(account, "DATA", if_exists="ignore")
        key = Key(account, "DATA", "PUBLIC", "CODE")
        if self.storage.stages.get(key) is None:
            self.storage.stages.create(key, directory=True)
        for path, text in files.items():
            sha = self.storage.objects.put_bytes(text.encode())
            self.storage.stages.put_file(key, path, sha, len(text.encode()), "0" * 32)
        if refresh:
            self.storage.stages.refresh(key)
        return key


OFFERING = """
api_version: 2.0.0
spec_type: data_offering
name: sales
version: v1
datasets:
  - alias: customers
    data_object_fqn: DATA.PUBLIC.CUSTOMERS
    allowed_analyses: template_only
    schema_and_template_policies:
      email_hash: {category: join_standard, column_type: hashed_email_sha256, activation_allowed: true}
      city: {category: passthrough}
"""
ADVERTISED = OFFERING.replace("name: sales", "name: redeemers").replace("alias: customers", "alias: people")
COLLABORATION = """
api_version: 2.0.0
spec_type: collaboration
name: lookalike
owner: pub
collaborator_identifier_aliases: {pub: LOCAL.PUBLISHER, adv: LOCAL.ADVERTISER}
analysis_runners:
  adv:
    data_providers:
      pub: {data_offerings: []}
      adv: {data_offerings: []}
    activation_destinations: {snowflake_collaborators: [pub]}
"""
CODE_SPEC = """
api_version: 2.0.0
spec_type: code_spec
name: model
version: v1
ml_jobs:
  - name: train
    entrypoint: train.py
    stage_code_dir: '@DATA.PUBLIC.CODE/model'
    pip_requirements: [pandas, xgboost]
    allow_monitoring: true
"""
JOB_TEMPLATE = """
api_version: 2.0.0
spec_type: template
name: train
version: v1
type: sql_analysis
code_specs: [model_v1]
parameters:
  - {name: compute_pool, required: true, type: string}
template: |
  call cleanroom.model$train(
    {{ compute_pool }}, {{ num_instances | default(1) }}, {{ warehouse | default("COMPUTE_WH") }},
    OBJECT_CONSTRUCT('source_table', ARRAY_CONSTRUCT({{ source_table[0] }}))::VARCHAR)
"""
SQL_TEMPLATE = """
api_version: 2.0.0
spec_type: template
name: count
version: v1
type: sql_analysis
template: |
  SELECT COUNT(*) AS N FROM IDENTIFIER({{ source_table[0] }}) AS p
  WHERE IDENTIFIER({{ col | column_policy }}) = {{ city }}
"""


def told(party: Party, name: str = "lookalike") -> dict[str, Any]:
    """What the engine tells of the last request that a party sees, beyond what is documented."""
    (row,) = party.own("DESCRIBE_REQUEST", name, party.call("VIEW_UPDATE_REQUESTS", name)[-1]["ID"])
    previous = None if row["PREVIOUS"] is None else json.loads(row["PREVIOUS"])
    return json.loads(row["SUBJECT"]) | {"previous": previous, "approval_digest": row["APPROVAL_DIGEST"]}


def request_id(party: Party) -> str:
    """The id of the last request that a party sees."""
    return party.call("VIEW_UPDATE_REQUESTS", "lookalike")[-1]["ID"]
