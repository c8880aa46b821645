"""Every command in one table: help and completion read this and import nothing else."""

from __future__ import annotations

from typing import NamedTuple


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
        Entry("requests", "requests", "What waits for approval."),
        Entry("review", "review", "Show everything a request would run, and its digest."),
        Entry("approve", "approve", "Verify every file, then approve a request."),
        Entry("reject", "reject", "Reject a request; this is final."),
        Entry("pool", "pool", "Compute pools: create, list, show, drop."),
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
        Entry("activation", "activation", "Activations: list, process, export."),
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
        Entry("doctor", "doctor", "Check this machine, and say how to mend what is missing."),
    ),
}


def entries() -> dict[str, Entry]:
    """All commands by name, in the order of the help."""
    return {entry.name: entry for group in COMMANDS.values() for entry in group}
