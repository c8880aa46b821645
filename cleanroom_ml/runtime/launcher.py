"""First program of a job after the sandbox's init: `python -P -m cleanroom_runtime.launcher JOB_FILE CODE RESULT_FILE`.

Opens the session, runs the script, leaves its return value, and ends with the script's exit code. Source of the
script's contract: reference/collaboration-api.md §6.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from . import result, script
from .notices import say
from .session import open_session

NO_SESSION = 69
"""Exit code where the session could not be opened (EX_UNAVAILABLE, sysexits.h)."""

RESULT_NOT_JSON = 65
"""Exit code where the script set a return value that is no JSON (EX_DATAERR, sysexits.h)."""


def main(job_file: Path, code_directory: Path, result_file: Path) -> int:
    """Run the job that the file describes, from its directory of code; its exit code."""
    about = json.loads(job_file.read_bytes())
    Path(os.environ["TMPDIR"]).mkdir(parents=True, exist_ok=True)
    try:
        open_session(about)
    except Exception as error:  # noqa: BLE001 - whatever it was, the script cannot run without its session
        say(f"the job's session could not be opened: {error}")
        return NO_SESSION
    launcher = os.getpid()
    code, variables = script.run(code_directory, about["entrypoint"], about["args"])
    if os.getpid() != launcher:
        # A process that the script forked has run to the script's end: it has no return value to leave.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    if code == 0 and variables.get("__return__") is not None:
        try:
            text, nulls = result.to_json(variables["__return__"])
        except result.NotJson as error:
            say(f"{error}")
            return RESULT_NOT_JSON
        if nulls:
            say(f"not a finite number, returned as null: {', '.join(nulls[:20])}")
        result.write(text, about["result_limit_bytes"], result_file)
    return code


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:4])))
