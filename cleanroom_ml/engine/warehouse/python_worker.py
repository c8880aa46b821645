"""The handler that runs inside of the sandbox of a party's functions: nothing but their code, and the rows of their
arguments.

It is handed a socket to the DuckDB of the one statement that calls them and the files that they import. What it says
is data to whoever reads it: the front shows it as the text of an error, and DuckDB's side checks every batch.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Final, TypedDict

import numpy

from cleanroom_ml.engine.warehouse import python_frames as frames
from cleanroom_ml.engine.warehouse.python_handlers import FILE, Function, install
from cleanroom_ml.engine.warehouse.python_signature import Signature

_MOST_TEXT: Final = 20_000
_OURS: Final = str(Path(__file__).parent)
_SCRATCH: Final = "/scratch"


class Described(TypedDict):
    """A function as the front describes it."""

    name: str
    handler: str
    body: str
    strict: bool
    silent: bool
    signature: Signature


class Request(TypedDict):
    """What the front asks: the functions, the names of the files after the socket, and the session's time zone."""

    functions: list[Described]
    imports: list[str]
    zone: str


def handle(request: Request, fds: list[int]) -> dict[str, object]:
    """Serves the calls of one statement until it is over. The answer has `error`, where one failed."""
    with socket.socket(fileno=fds[0]) as connection:
        settle(request["zone"])
        functions = [each["name"] for each in request["functions"]]
        current = 0
        try:
            place_imports(request["imports"], fds[1:])
            loaded = {}
            while (call := frames.receive(connection, frames.CALL)) is not None:
                current, data = call
                described = request["functions"][current]
                signature = described["signature"]
                arguments = frames.unpacked(data, frames.argument_types(signature), None)
                if current not in loaded:
                    loaded[current] = Function(
                        signature,
                        described["handler"],
                        described["body"],
                        strict=described["strict"],
                        zone=request["zone"],
                    )
                answer = frames.packed([loaded[current](arguments)])
                frames.send(connection, frames.ANSWER.pack(0, len(answer)), answer)
        except BaseException as error:  # noqa: BLE001 - whatever a party's code raises, SystemExit included, is its error
            kind = "memory" if isinstance(error, MemoryError) else "python"
            silent = request["functions"][current]["silent"]
            text = {"kind": kind, "function": functions[current], "text": text_of(error, silent=silent)}
            return {"error": json.loads(json.dumps(text))}
        return {}


def settle(zone: str) -> None:
    """A function has the session's time zone (developer-guide/udf/python/udf-python-designing); what it prints goes
    nowhere. numpy's own random numbers are those of what this process is a copy of, and of every other copy.
    """
    numpy.random.seed()
    os.environ["TZ"] = zone
    time.tzset()
    nowhere = open(os.devnull, "w")  # noqa: SIM115 - for as long as this process lives
    sys.stdout = sys.stderr = nowhere


def place_imports(names: list[str], fds: list[int]) -> None:
    directory = tempfile.mkdtemp(prefix="imports-", dir=_SCRATCH if Path(_SCRATCH).is_dir() else None)
    for name, fd in zip(names, fds, strict=True):
        with open(fd, "rb") as source, open(f"{directory}/{name}", "wb") as target:
            while part := source.read(1 << 20):
                target.write(part)
    install(directory, names)


def text_of(error: BaseException, *, silent: bool) -> str:
    """The traceback of a party's own code, as the service shows it. `silent`: without what the error says, which may
    be a value of somebody's.
    """
    frames_of_code = [each for each in traceback.extract_tb(error.__traceback__) if not each.filename.startswith(_OURS)]
    lines = ["Traceback (most recent call last):"]
    for each in frames_of_code[-50:]:
        name = each.filename if each.filename == FILE else Path(each.filename).name
        lines.append(f'  File "{name}", line {each.lineno}, in {each.name}')
    what = type(error).__name__
    if not silent:
        what = "".join(traceback.format_exception_only(error)).strip()
    return "\n".join([*lines, what])[-_MOST_TEXT:]
