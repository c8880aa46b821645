"""Runs a script as `python <entrypoint> --args '<json>'` would, inside this process, which holds the session."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path


def run(code: Path, entrypoint: str, args: str) -> tuple[int, dict[str, object]]:
    """Run `entrypoint` of the directory `code` as `__main__`: its exit code, and the module's variables.

    The working directory and the first entries of the import path are as for a script in that directory. The module is
    a real one, so that functions of it can be pickled for child processes, and `multiprocessing` finds its file to
    start them from.
    """
    path = code / entrypoint
    os.chdir(code)
    sys.path[:0] = list(dict.fromkeys([str(path.parent), str(code)]))
    sys.argv = [entrypoint, "--args", args]
    module = types.ModuleType("__main__")
    module.__file__ = str(path)
    module.__dict__["__cached__"] = None
    sys.modules["__main__"] = module
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    except SystemExit as leaving:
        return _exit_code(leaving.code), module.__dict__
    except BaseException as error:  # noqa: BLE001 - also KeyboardInterrupt: what a script raises ends the script, not us
        _report(error)
        return 1, module.__dict__
    return 0, module.__dict__


def _exit_code(code: object) -> int:
    # As the interpreter does it: None is success, a number is cut to a byte, anything else is printed.
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    sys.stderr.write(f"{code}\n")
    return 1


def _report(error: BaseException) -> None:
    """Show the traceback as the interpreter would, from the script's first line on, without this file's frames."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    sys.stdout.flush()
    sys.excepthook(type(error), error.with_traceback(trace), trace)
