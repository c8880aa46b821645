"""Every command of the tree, under a condition, in a process of its own: a fork, so that a hundred take seconds.

    python every_command.py CONDITION DIRECTORY    prints one JSON object a command: words, code, out, err

Each fork runs one command by its console script's function, with its streams and place as the condition says.
"""

from __future__ import annotations

import json
import os
import pwd
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

LIMIT_SECONDS = 60
PLACEHOLDERS = {"paths": "no/such/path", "files": "no/such/file.csv", "shell": "bash", "connection": "x"}


def commands() -> Iterator[tuple[str, ...]]:
    """The words of every command, with something for each argument that it requires."""
    import typer.main

    from cleanroom_ml.cli.root import app
    from cleanroom_ml.cli.table import entries

    root: Any = typer.main.get_command(app)
    for name in entries():
        top = root.get_command(None, name)
        verbs = getattr(top, "commands", None)
        for words, leaf in [((name, verb), leaf) for verb, leaf in verbs.items()] if verbs else [((name,), top)]:
            needed = [
                PLACEHOLDERS.get(each.name, "x")
                for each in leaf.params
                if each.required and not each.opts[0].startswith("-")
            ]
            options = [
                word
                for each in leaf.params
                if each.required and each.opts[0].startswith("-")
                for word in (each.opts[0], "A.B.C")
            ]
            yield (*words, *needed, *options)


def _close(number: int) -> Callable[[], None]:
    return lambda: os.close(number)


def _to(path: str, number: int, flags: int = os.O_WRONLY) -> Callable[[], None]:
    return lambda: os.dup2(os.open(path, flags), number) and None


def _broken_pipe(number: int) -> Callable[[], None]:
    def replace() -> None:
        read, write = os.pipe()
        os.close(read)
        os.dup2(write, number)

    return replace


def _nobody() -> None:
    """A user without an entry and without HOME, as in many containers."""
    os.environ.pop("HOME", None)
    for name in [name for name in os.environ if name.startswith(("CLEANROOM_ML_", "XDG_", "SNOWFLAKE_"))]:
        del os.environ[name]

    def unknown(uid: int) -> None:
        raise KeyError(uid)

    pwd.getpwuid = unknown


def _gone() -> None:
    place = Path(f"gone-{os.getpid()}")
    place.mkdir()
    os.chdir(place)
    place = Path.cwd()
    place.rmdir()


def _set(**variables: str) -> Callable[[], None]:
    return lambda: os.environ.update(variables)


def _home_at(place: str) -> Callable[[], None]:
    return _set(CLEANROOM_ML_HOME=place, CLEANROOM_ML_STATE=place, CLEANROOM_ML_CONFIG=place)


def _file(name: str, content: bytes) -> Callable[[], None]:
    return lambda: Path(name).write_bytes(content) and None


CONDITIONS: dict[str, tuple[Callable[[], None], ...]] = {
    "nothing": (),
    "json": (_set(CLEANROOM_ML_FORMAT="json"),),
    "no-stderr": (_close(2),),
    "no-stdout": (_close(1),),
    "no-stdin": (_close(0),),
    "no-streams": (_close(0), _close(1), _close(2)),
    "broken-stdout": (_broken_pipe(1),),
    "broken-stderr": (_broken_pipe(2),),
    "full-stdout": (_to("/dev/full", 1),),
    "full-stderr": (_to("/dev/full", 2),),
    "ascii": (_set(PYTHONIOENCODING="ascii", LC_ALL="C"),),
    "no-home": (_nobody,),
    "no-directory": (_gone,),
    "home-is-a-file": (_home_at("/dev/null"),),
    "home-cannot-be-made": (_home_at("/proc/none"),),
    "binary-project": (_file("cleanroom.yaml", b"\xff\xfe\0\1"),),
    "empty-project": (_file("cleanroom.yaml", b""),),
    "minimal-project": (_file("cleanroom.yaml", b"version: 1\ncollaboration: c\n"),),
}  # fmt: skip


def run(words: tuple[str, ...], condition: str, place: Path) -> dict[str, Any]:
    """One command, in an empty directory of its own."""
    place.mkdir()
    out, err = place.with_suffix(".out"), place.with_suffix(".err")
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.setsid()
            os.chdir(place)
            signal.alarm(LIMIT_SECONDS)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            for number, path in ((1, out), (2, err)):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT, 0o666), number)
            for name in ("stdin", "stdout", "stderr"):
                setattr(sys, name, None)
            for change in CONDITIONS[condition]:
                change()
            _as_an_interpreter_begins()
            code = _main(words)
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    read = [path.read_bytes().decode(errors="replace") for path in (out, err)]
    return {"words": words, "code": os.waitstatus_to_exitcode(status), "out": read[0], "err": read[1]}


def _as_an_interpreter_begins() -> None:
    """The standard streams as Python makes them: None where the descriptor is closed."""
    encoding = os.environ.get("PYTHONIOENCODING", "utf-8")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            continue
        errors = "backslashreplace" if number == 2 else "strict"
        stream = open(number, "w" if number else "r", encoding=encoding, errors=errors, closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)


def _main(words: tuple[str, ...]) -> int:
    from cleanroom_ml.cli.main import main

    sys.argv = ["cleanroom-ml", *words]
    try:
        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001 - what the interpreter would print
        import traceback

        traceback.print_exc(file=sys.__stderr__ if sys.stderr is None else sys.stderr)
        return 98
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            try:
                stream.flush()
            except (OSError, ValueError):
                return 120  # as the interpreter itself ends where what was written cannot be
    return code


if __name__ == "__main__":
    base = Path(sys.argv[2])
    import cleanroom_ml.services.connections
    import cleanroom_ml.services.projects  # noqa: F401 - loaded once, and not by every fork

    for index, words in enumerate(commands()):
        if words[0] in sys.argv[3:]:
            continue
        print(json.dumps(run(words, sys.argv[1], base / f"{sys.argv[1]}-{index}")), flush=True)
