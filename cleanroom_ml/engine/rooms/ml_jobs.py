"""ML jobs as the room sees them: which call starts which pinned code, and who may ask about it afterwards.

RUN_ML_JOB_ACTION answers what the documentation says and nothing else (collaboration API reference,
RUN_ML_JOB_ACTION). What only this engine tells of a job is in `own_jobs`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from cleanroom_ml.engine.contracts.job import JobFile, JobLauncher, JobRequest, JobState, JobStatus
from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.rooms import access, configuration
from cleanroom_ml.engine.rooms.access import INTERNAL_SCHEMA, Member, key_of
from cleanroom_ml.engine.rooms.catalog import RoomScope
from cleanroom_ml.engine.rooms.ports import Caller
from cleanroom_ml.engine.rooms.registries import read_spec
from cleanroom_ml.engine.rooms.requests_store import Request
from cleanroom_ml.engine.rooms.room_jobs import check_standing
from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.evidence.pinned_job import PinnedJob
from cleanroom_ml.json_values import Document
from cleanroom_ml.naming import fold
from cleanroom_ml.specs.ml_job_action import MlJobAction

MAX_NODES = 64
MAX_ARGS_CHARACTERS = 1 << 20
_SIGNATURE = "(compute_pool, num_instances, warehouse, args_json)"


class MlJobs:
    """Submitting a job, and RUN_ML_JOB_ACTION."""

    def __init__(self, storage: Storage, launcher: JobLauncher) -> None:
        self._storage = storage
        self._launcher = launcher

    def submit(
        self,
        caller: Caller,
        member: Member,
        approval: Request,
        scope: RoomScope,
        call: tuple[tuple[str, ...], Sequence[object]],
    ) -> str:
        """Hands a job to the pools; its id.

        Raises:
            SqlError: SpecValidationError (the call is none of the template's code), ComputePoolError (pool or
            warehouse are
                not granted to the application).
        """
        name, args = call
        code, job = _job_of(approval.payload["code_specs"], name)
        pool, nodes, warehouse, args_json = self._arguments(member, name, args)
        request = JobRequest(
            account=member.account,
            user=caller.user,
            collaboration=scope.collaboration,
            runner=member.alias,
            application=member.application,
            template_id=approval.payload["template_id"],
            code_spec_id=code["id"],
            job=PinnedJob.of(job),
            files=tuple(JobFile(file["path"], file["size"], file["sha256"]) for file in job["content_manifest"]),
            args_json=args_json,
            pool=pool,
            nodes=nodes,
            warehouse=warehouse,
            approval_digest=approval.digest,
            result_limit_bytes=approval.payload["result_limit_bytes"],
            scope=scope.to_json(),
            dependency_lock=approval.payload["dependency_lock"].get(f"{code['id']}${job['name']}") or {},
        )
        job_id = self._launcher.submit(request)
        try:
            check_standing(self._storage.database, scope)
        except SqlError:
            self._launcher.cancel(job_id)
            raise
        return job_id

    def action(self, caller: Caller, name: str, spec_text: object) -> Rows:
        """RUN_ML_JOB_ACTION: for the runner that ran the job, and nobody else.

        Raises:
            SqlError: MLJobNotFoundException, MLJobMonitoringNotAllowedError, MLJobNotFinishedError, MLJobFailedError.
        """
        action = read_spec(MlJobAction, spec_text)
        match action.action:
            case "get_status":
                return Rows.one("STATUS", _documented(self._launcher.status(self.of(caller, name, action.job_id))))
            case "get_logs":
                return Rows.one("LOGS", self._launcher.tail(self.monitored(caller, name, action.job_id)))
            case "get_result":
                return self._result(self._launcher.status(self.of(caller, name, action.job_id)))

    def of(self, caller: Caller, name: str, job_id: object) -> str:
        """The id, where it is of a job that the caller's account runs in this collaboration; others' do not exist.

        Raises:
            SqlError: MLJobNotFoundException, and what a caller that is no member gets.
        """
        return self._own(caller, name, job_id)[0]

    def monitored(self, caller: Caller, name: str, job_id: object) -> str:
        """The same, where the runner may see what the job's script told.

        Raises:
            SqlError: as `of`, and MLJobMonitoringNotAllowedError.
        """
        found, request, owner_allows = self._own(caller, name, job_id)
        _check_monitoring(request, owner_allows=owner_allows)
        return found

    def _result(self, status: JobStatus) -> Rows:
        state = str(status.status)
        if state in ("PENDING", "RUNNING"):
            raise room_error(ErrorName.MLJobNotFinishedError, f"job {status.job_id} is {state}; it has no result yet.")
        # A result that may not leave is refused by name, before the job's own ending is told.
        result = self._launcher.result(status.job_id)
        if state != "DONE":
            raise room_error(
                ErrorName.MLJobFailedError, f"job {status.job_id} is {state} ({status.reason}): {status.message}"
            )
        return Rows.one("RESULT", result)

    def _own(self, caller: Caller, name: str, job_id: object) -> tuple[str, JobRequest, bool]:
        """The job's id and request, and whether the collaboration's owner lets jobs be monitored."""
        with self._storage.database.read() as connection:
            member = access.joined(connection, caller.account, name)
            monitored = configuration.value_of(connection, member, configuration.MONITORING) == "true"
        wanted = job_id if isinstance(job_id, str) else ""
        try:
            request = self._launcher.request(wanted)
        except LookupError:
            request = None
        if (
            request is None
            or request.account != member.account
            or request.scope.get("collaboration_id") != member.collaboration
        ):
            raise room_error(
                ErrorName.MLJobNotFoundException, f"there is no job '{wanted[:100]}' of yours in this collaboration."
            )
        return wanted, request, monitored

    def _arguments(self, member: Member, name: tuple[str, ...], args: Sequence[object]) -> tuple[str, int, str, str]:
        if len(args) != 4:
            raise room_error(
                ErrorName.SpecValidationError,
                f"an ML job takes 4 arguments {_SIGNATURE}, {'.'.join(name)} got {len(args)}",
            )
        pool, warehouse = key_of(args[0], "compute pool"), key_of(args[2], "warehouse")
        nodes = args[1]
        if isinstance(nodes, str) and nodes.isascii() and nodes.isdigit() and len(nodes) < 4:
            nodes = int(nodes)
        if isinstance(nodes, bool) or not isinstance(nodes, int) or not 1 <= nodes <= MAX_NODES:
            raise room_error(
                ErrorName.SpecValidationError, f"num_instances must be a whole number from 1 to {MAX_NODES}"
            )
        application = member.application
        for kind, thing in (("COMPUTE POOL", pool), ("WAREHOUSE", warehouse)):
            if not self._storage.warehouses.has_usage(member.account, kind, thing, application):  # type: ignore[arg-type]
                raise room_error(
                    ErrorName.ComputePoolError,
                    f"{kind.lower()} {thing} does not exist, or the application may not use it: "
                    f"GRANT USAGE ON {kind} {thing} TO APPLICATION {application}",
                )
        return pool, nodes, warehouse, _args_json(args[3])


def _documented(status: JobStatus) -> str:
    """Of the documentation's four statuses (ML jobs, "Monitor the ML Job"): one that was cancelled has FAILED."""
    return "FAILED" if status.status is JobState.CANCELLED else str(status.status)


def _check_monitoring(request: JobRequest, *, owner_allows: bool) -> None:
    """Whether the runner may see what the script told, in its log or in events: the code spec and the owner say."""
    if not request.job.allow_monitoring:
        raise room_error(
            ErrorName.MLJobMonitoringNotAllowedError, f"code spec {request.code_spec_id} does not set allow_monitoring."
        )
    if not owner_allows:
        raise room_error(
            ErrorName.MLJobMonitoringNotAllowedError,
            f"the collaboration's owner has set {configuration.MONITORING} to false.",
        )


def _job_of(code_specs: Sequence[Document], name: tuple[str, ...]) -> tuple[Document, Document]:
    """The approved code that `cleanroom.<code spec name>$<job name>` means."""
    spec_name, dollar, job_name = name[-1].partition("$")
    if len(name) == 2 and name[0] == INTERNAL_SCHEMA and dollar:
        for code in code_specs:
            for job in code["ml_jobs"]:
                if fold(code["name"]).upper() == spec_name.upper() and fold(job["name"]).upper() == job_name.upper():
                    return code, job
    raise room_error(
        ErrorName.SpecValidationError,
        f"Template references unknown code spec callables: '{name[-1][:300]}'. None of its code specs has it.",
    )


def _args_json(value: object) -> str:
    text = json.dumps(value) if isinstance(value, dict | list) else value
    try:
        if text is not None and (not isinstance(text, str) or len(text) > MAX_ARGS_CHARACTERS):
            raise ValueError
        json.loads(text or "{}")
    except (ValueError, RecursionError):
        raise room_error(
            ErrorName.SpecValidationError, "the job's arguments must be JSON, such as OBJECT_CONSTRUCT(…)::VARCHAR"
        ) from None
    return text or "{}"
