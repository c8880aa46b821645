"""Every command in one table, with what it needs of its target: help and completion read this and little else."""

from __future__ import annotations

from typing import Final, NamedTuple

from cleanroom_ml.cli.needs import Need, Where, room


class Entry(NamedTuple):
    """A command of the first level. `module` is below `cleanroom_ml.cli.commands` and holds a Typer app, `app`."""

    name: str
    module: str
    help: str


PROVIDER = "Template provider"
RUNNER = "Analysis runner"
EVERYONE = "Everyone"
ENGINE = "Embedded engine"

COMMANDS: dict[str, tuple[Entry, ...]] = {
    PROVIDER: (
        Entry("init", "init", "Start a project directory."),
        Entry("validate", "validate", "Check a project or a spec file, offline."),
        Entry("stage", "stage", "Upload the code directory to the stage."),
        Entry("spec", "spec", "Code specs: register, list, show, diff."),
        Entry("template", "template", "Templates: register, submit, withdraw, list, show, remove."),
        Entry("offering", "offering", "Data offerings: register, unregister, link, unlink, list."),
        Entry("registry", "registry", "Registries for templates and offerings: create, list."),
    ),
    RUNNER: (
        Entry("requests", "requests", "What waits for approval: list (the default), withdraw."),
        Entry("review", "review", "Show everything a request would run, and its digest."),
        Entry("approve", "approve", "Verify every file, then approve a request."),
        Entry("reject", "reject", "Reject a request; this is final."),
        Entry("pool", "pool", "Compute pools: create, list, show, suspend, resume, drop."),
        Entry("run", "run", "Run a template; prints the job id."),
        Entry("status", "status", "Where a job is."),
        Entry("logs", "logs", "What a job has printed."),
        Entry("result", "result", "What a job returned."),
        Entry("report", "report", "One HTML page about a job: curves, trials, resources, log."),
        Entry("jobs", "jobs", "The runs of this collaboration."),
        Entry("cancel", "cancel", "Stop a job."),
        Entry("activate", "activate", "Send a result to its destination."),
    ),
    EVERYONE: (
        Entry("demo", "demo", "Two parties, real data, this machine: see it work."),
        Entry("collaboration", "collaboration", "Collaborations: create, join, edit, leave, and how they stand."),
        Entry("code", "code", "Code specs of the collaboration: list, show."),
        Entry("activation", "activation", "Activations: list, process, export."),
        Entry("roles", "roles", "The account's roles, and what the current one may do."),
        Entry("grant", "grant", "Grant a role a privilege of the clean room."),
        Entry("revoke", "revoke", "Take a privilege of the clean room away from a role."),
        Entry("sql", "sql", "Run SQL on this directory's connection."),
        Entry("load", "load", "Load Parquet, CSV or JSON files into a table."),
        Entry("history", "history", "What was run in a collaboration, and by whom."),
        Entry("connection", "connection", "Connections: use, list, test, explain."),
        Entry("help", "help", "What a key of a spec file is for."),
        Entry("completion", "completion", "Print the completion script of a shell."),
    ),
    ENGINE: (
        Entry("account", "account", "Accounts of the embedded engine: create, list."),
        Entry("engine", "engine", "The embedded engine: start, stop, status."),
        Entry("image", "image", "The environments that jobs run in: list, build, remove, repair."),
        Entry("doctor", "doctor", "Check this machine, or an account; say how to mend what is missing."),
    ),
}


_MACHINE, _FILES, _SQL = Need(Where.MACHINE), Need(Where.FILES), Need(Where.SQL)
_IMAGES: Final = ("IMAGES.COMPARE",)
_DECISIONS: Final = ("APPROVALS.VIEW_DECISIONS", "APPROVALS.DESCRIBE_REQUEST")
_LOOK: Final = ("JOBS.STATUS",)
_CODE: Final = ("CODE_SPECS.DESCRIBE",)
_NO_CODE: Final = "the packages that were locked are not told"
_NO_IMAGES: Final = "what has become of a pinned image is not told"

NEEDS: Final[dict[str, Need]] = {
    "init": _FILES,
    "validate": _FILES,
    "stage": _SQL,
    "spec register": room("REGISTRY.REGISTER_CODE_SPEC", own=_CODE, without=_NO_CODE),
    "spec list": room(),
    "spec show": room(own=_CODE, without=_NO_CODE),
    "spec diff": room(own=(*_IMAGES, *_CODE), without=f"{_NO_IMAGES}; {_NO_CODE}"),
    "template register": room("REGISTRY.REGISTER_TEMPLATE"),
    "template submit": room(
        "ADD_TEMPLATE_REQUEST", "REGISTRY.REGISTER_TEMPLATE", "REGISTRY.REGISTER_CODE_SPEC",
        own=(*_IMAGES, *_DECISIONS, *_CODE), without=f"{_NO_IMAGES}; {_NO_CODE}",
    ),
    "template withdraw": room("REJECT_UPDATE_REQUEST", own=_DECISIONS, without="the same"),
    "template list": room(),
    "template show": room(),
    "template remove": room("REGISTRY.UNREGISTER_TEMPLATE", "REMOVE_TEMPLATE"),
    "offering register": room("REGISTRY.REGISTER_DATA_OFFERING"),
    "offering link": room("LINK_DATA_OFFERING", "LINK_LOCAL_DATA_OFFERING", "REGISTRY.REGISTER_DATA_OFFERING"),
    "offering unlink": room("UNLINK_DATA_OFFERING", "UNLINK_LOCAL_DATA_OFFERING"),
    "offering unregister": room("REGISTRY.UNREGISTER_DATA_OFFERING"),
    "offering list": room(),
    "registry create": room("REGISTRY.CREATE_REGISTRY"),
    "registry list": room(),
    "requests list": room(own=_DECISIONS, without="decisions are shown as the target writes them"),
    "requests withdraw": room("REJECT_UPDATE_REQUEST", own=_DECISIONS, without="the same"),
    "review": room(
        own=(*_IMAGES, *_DECISIONS), without=f"what the documented answers show is shown; {_NO_IMAGES}"
    ),
    "approve": room(
        "APPROVE_UPDATE_REQUEST",
        own=(*_IMAGES, *_DECISIONS),
        without=f"what the documented answers show is compared, and it says what was not; {_NO_IMAGES}",
    ),
    "reject": room("REJECT_UPDATE_REQUEST", own=_DECISIONS, without="the same"),
    "pool create": _SQL,
    "pool list": _SQL,
    "pool show": _SQL,
    "pool suspend": _SQL,
    "pool resume": _SQL,
    "pool drop": _SQL,
    "run": room(
        "RUN", "RUN_ML_JOB_ACTION", own=("JOBS.STATUS", "JOBS.LOGS"),
        without="--follow has the newest 100 KB of the log",
    ),
    "status": room(
        "RUN_ML_JOB_ACTION", own=(*_LOOK, "JOBS.EVENTS", "JOBS.USAGE", "JOBS.LOGS"),
        without="the status alone; --watch is without progress and usage",
    ),
    "logs": room(
        "RUN_ML_JOB_ACTION", own=(*_LOOK, "JOBS.LOGS", "JOBS.EVENTS"),
        without="the newest 100 KB; --events is refused (exit 5)",
    ),
    "result": room("RUN_ML_JOB_ACTION", own=_LOOK, without="the same"),
    "report": room(
        "RUN_ML_JOB_ACTION", own=(*_LOOK, "JOBS.LOGS", "JOBS.EVENTS", "JOBS.USAGE", *_DECISIONS),
        without="status, log and result; the page says that progress and usage are not told",
    ),
    "jobs": room("RUN_ML_JOB_ACTION", own=("JOBS.LIST",), without="refused (exit 5); `history` has the runs"),
    "cancel": room(
        "RUN_ML_JOB_ACTION", own=("JOBS.CANCEL", *_LOOK),
        without="refused (exit 5); ALTER COMPUTE POOL … STOP ALL ends every job of a pool",
    ),
    "activate": room("RUN"),
    "demo": _MACHINE,
    "collaboration create": room("INITIALIZE", "JOIN"),
    "collaboration review": room("REVIEW"),
    "collaboration join": room("REVIEW", "JOIN"),
    "collaboration edit": room("EDIT"),
    "collaboration leave": room("LEAVE"),
    "collaboration teardown": room("TEARDOWN"),
    "collaboration status": room(),
    "collaboration list": room(),
    "collaboration show": room(),
    "collaboration config": room("SET_CONFIGURATION"),
    "code list": room(),
    "code show": room(),
    "activation list": room(),
    "activation process": room("PROCESS_ACTIVATION"),
    "activation export": room("PROCESS_ACTIVATION"),
    "roles": room("ADMIN.CHECK_PRIVILEGES"),
    "grant": room("ADMIN.GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE", "ADMIN.GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE"),
    "revoke": room("ADMIN.REVOKE_PRIVILEGE_ON_ACCOUNT_FROM_ROLE", "ADMIN.REVOKE_PRIVILEGE_ON_OBJECT_FROM_ROLE"),
    "sql": _SQL,
    "load": _SQL,
    "history": room("RUN_ML_JOB_ACTION", own=("JOBS.LIST",), without="the runs, without their job ids"),
    "connection use": _FILES,
    "connection list": _FILES,
    "connection test": _SQL,
    "connection explain": _FILES,
    "help": _FILES,
    "completion": _FILES,
    "account create": _MACHINE,
    "account list": _MACHINE,
    "engine start": _MACHINE,
    "engine stop": _MACHINE,
    "engine status": _MACHINE,
    "image list": _MACHINE,
    "image build": _MACHINE,
    "image remove": _MACHINE,
    "image repair": _MACHINE,
    "doctor": Need(
        Where.SQL,
        ("LIBRARY.CHECK_MOUNT_STATUS", "ADMIN.CHECK_PRIVILEGES"),
        without="with -c the account is checked, and what it does not answer is told as not shown; else this machine",
    ),
}  # fmt: skip


def entries() -> dict[str, Entry]:
    """All commands by name, in the order of the help."""
    return {entry.name: entry for group in COMMANDS.values() for entry in group}
