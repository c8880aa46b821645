"""Turns how a sandbox ended into how the job ended, in words for the person who wrote the script.

No text of the script's gets into a message: the status can be read where the log may not be (`allow_monitoring:
false`).
"""

from __future__ import annotations

import signal

from cleanroom_ml.engine.contracts.plan import Plan
from cleanroom_ml.engine.jobs.model import Ending, Phase, Reason
from cleanroom_ml.engine.jobs.results import Collected
from cleanroom_ml.engine.sandbox.policy import Outcome

# Codes of runtime/launcher.py. A script may choose them as well, so they are only ever a hint.
_LAUNCHER_CODES = {
    65: " (as where __return__ is not JSON)",
    69: " (as where the job's session cannot be opened)",
    71: " (as where the nodes of the job do not come up)",
    75: " (as where a node of the job is lost)",
}
CANCELLED = Ending(Phase.CANCELLED, Reason.CANCELLED, "The job was cancelled.")
SUPERVISOR_LOST = Ending(
    Phase.FAILED,
    Reason.SUPERVISOR_LOST,
    "The process that supervised the job was killed (or the machine restarted), so the job was ended. Run it again.",
)


def refused(message: str) -> Ending:
    """The job's code is not what was pinned: nothing of it ran."""
    return Ending(Phase.FAILED, Reason.REFUSED, f"The job was not started, because its code was refused: {message}.")


def not_started(message: str) -> Ending:
    """The sandbox could not be made: nothing of the job ran."""
    return Ending(Phase.FAILED, Reason.NOT_STARTED, f"The job was not started: {message}.")


def too_many_nodes(pool: str, nodes: int, most: int) -> Ending:
    """The pool was made smaller while the job waited: nothing of the job ran."""
    return not_started(
        f"it asks for {nodes} nodes, and while it waited, MAX_NODES of compute pool {pool} became {most}; "
        "run it again with fewer nodes, or make the pool larger"
    )


def too_little_memory(lacks: str) -> Ending:
    """Memory of this machine went away while the job waited: nothing of the job ran."""
    return not_started(f"{lacks}; run it again with fewer nodes")


def too_few_gpus(pool: str, needed: int, there: int, why_not: str) -> Ending:
    """GPUs of this machine went away while the job waited: nothing of the job ran."""
    return not_started(
        f"in compute pool {pool} it needs {needed} GPU(s), and while it waited, this machine came to have {there}"
        f"{f' ({why_not})' if why_not else ''}; run it again when they are back"
    )


def ending(outcome: Outcome, plan: Plan, *, cancelled: bool) -> Ending:
    """How the job ended, its result not yet looked at."""

    def failed(reason: Reason, message: str) -> Ending:
        return Ending(Phase.FAILED, reason, message, outcome.exit_code)

    match outcome.reason:
        case "killed" if cancelled:
            return CANCELLED
        case "out_of_memory":
            return failed(
                Reason.OUT_OF_MEMORY,
                f"The job needed more than the {_size(plan.bounds.memory_bytes)} of memory that it has, and was ended. "
                "Use a pool with a larger INSTANCE_FAMILY, fewer parallel workers, or read the data in batches.",
            )
        case "timed_out":
            return failed(
                Reason.TIMED_OUT,
                f"The job was ended after {plan.bounds.wall_seconds:g} seconds, the longest that a job may run here.",
            )
        case "log_limit":
            return failed(
                Reason.LOG_LIMIT,
                f"The job was ended because it flooded its log. {_size(plan.bounds.log_bytes)} of it are kept.",
            )
        case "disk_limit":
            return failed(
                Reason.DISK_LIMIT,
                f"The job was ended because it wrote more than {_size(plan.bounds.scratch_bytes)} of files.",
            )
        case "not_started":
            return not_started("its sandbox could not be set up (cleanroom-ml doctor tells what is missing)")
        case "killed":
            return failed(Reason.CRASHED, "The job was killed from outside.")
        case "exited" if outcome.signal is not None:
            return failed(
                Reason.CRASHED,
                f"The script's process was ended by signal {_signal(outcome.signal)}: usually a fault in native code. "
                f"{_where_to_look(plan)}",
            )
        case "exited" if outcome.exit_code:
            hint = _LAUNCHER_CODES.get(outcome.exit_code, "")
            return failed(
                Reason.SCRIPT_FAILED,
                f"The script ended with exit code {outcome.exit_code}{hint}. {_where_to_look(plan)}",
            )
        case _:
            return Ending(Phase.DONE, Reason.NONE, "", outcome.exit_code)


def with_result(ended: Ending, collected: Collected) -> Ending:
    """A job that is done has failed after all if its result may not leave, or is none."""
    if ended.phase is not Phase.DONE or collected.kind in ("none", "kept"):
        return ended
    message = collected.message[0].upper() + collected.message[1:].rstrip(".") + "."
    return Ending(Phase.FAILED, Reason.RESULT_REFUSED, message, ended.exit_code)


def _where_to_look(plan: Plan) -> str:
    if plan.request.job.allow_monitoring:
        return "The job's log says why."
    return "Its log cannot be read, because the code spec does not set allow_monitoring."


def _signal(number: int) -> str:
    try:
        return f"{number} ({signal.Signals(number).name})"
    except ValueError:
        return str(number)


def _size(count: int) -> str:
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"
