"""The process of a party's functions in Python: what it sees, what it may use, and how it ends.

Each attack succeeds where its control is taken away: the same process without a sandbox.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cleanroom_ml.engine.sandbox.choosing import driver_for
from cleanroom_ml.engine.sql.catalog import ContextValues
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.routines import Imported, Parameter, Routine, UserFunction
from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.warehouse import python_frames as frames
from cleanroom_ml.engine.warehouse.python_functions import PythonFunctions

pytestmark = [pytest.mark.sandbox, pytest.mark.attack]
TEXT = parse_type("VARCHAR")


class Nothing:
    """A catalog without anything."""

    def source(self, parts: tuple[str, ...]) -> None:
        return None

    def context(self) -> ContextValues:
        return ContextValues("A", "U", "R")


def made(body: str, *, silent: bool = False, owner: str = "A", imports: tuple[Imported, ...] = ()) -> UserFunction:
    routine = Routine("F", (Parameter("X", TEXT),), TEXT, (), "PYTHON", body, handler="f", imports=imports)
    return UserFunction(routine, Nothing(), owner, silent)


@pytest.fixture(scope="module")
def functions() -> Iterator[PythonFunctions]:
    made = PythonFunctions(1)
    yield made
    made.close()


@pytest.fixture(scope="module")
def unprotected() -> Iterator[PythonFunctions]:
    made = PythonFunctions(1, driver=driver_for("a test of what the sandbox is for"))
    yield made
    made.close()


def told(functions: PythonFunctions, body: str, value: str = "", *, seconds: float = 60, **options: Any) -> str:
    """What a function returns for one value. Raises SqlError."""
    files: list[int] = []

    def opened(path: str) -> int:
        files.append(os.open(path, os.O_RDONLY))
        return files[-1]

    with functions.beside([made(body, **options)], opened, zone="UTC", seconds=seconds) as running:
        data = frames.packed([pa.array([value])])
        frames.send(running.connection, frames.CALL.pack(0, len(data)), data)
        answer = frames.receive(running.connection, frames.ANSWER)
        if answer is None:
            running.explain()
            raise AssertionError("it ended and said nothing")
        found: str = frames.unpacked(answer[1], [pa.string()], 1)[0].to_pylist()[0]
        return found


LOOKS = """
import json, os, socket
def f(x):
    seen = {}
    try:
        seen["file"] = open(x).read()
    except OSError as error:
        seen["file"] = type(error).__name__
    listener = socket.socket()
    try:
        listener.bind(("0.0.0.0", 0))
        socket.create_connection(("198.51.100.1", 9), 0.2)
    except TimeoutError:
        seen["network"] = "a way out"
    except OSError as error:
        seen["network"] = "" if error.errno in (101, 1, 13, 97) else str(error)
    seen["processes"] = [p for p in os.listdir("/proc") if p.isdigit() and p not in ("1", str(os.getpid()))]
    seen["uid"] = os.getuid()
    seen["names"] = sorted(os.environ)
    print("a value: " + x)
    return json.dumps(seen)
"""


def test_it_sees_no_file_no_network_and_no_other_process(
    functions: PythonFunctions, unprotected: PythonFunctions, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of somebody else")
    seen = json.loads(told(functions, LOOKS, str(secret)))
    assert (seen["file"], seen["network"]) == ("FileNotFoundError", "")
    assert len(seen["processes"]) <= 1, "its zygote alone"
    assert seen["uid"] != 0
    assert not [name for name in seen["names"] if "TOKEN" in name or "SECRET" in name or "CLEANROOM" in name]
    assert "a value" not in capfd.readouterr().out, "what it prints goes nowhere"
    assert json.loads(told(unprotected, LOOKS, str(secret)))["file"] == "of somebody else"


def test_nothing_of_one_statement_is_there_for_the_next(functions: PythonFunctions) -> None:
    leaves = "import os\ndef f(x):\n  open('/scratch/left', 'w').write(x)\n  return str(os.getpid())"
    looks = "import os\ndef f(x):\n  return str(os.path.exists('/scratch/left'))"
    told(functions, leaves, "a secret")
    assert told(functions, looks) == "False"


def test_its_errors_are_text_and_of_a_room_without_what_they_say(functions: PythonFunctions) -> None:
    body = "def g(x):\n  raise ValueError('the value \\x1b[2J' + x)\ndef f(x):\n  return g(x)"
    with pytest.raises(SqlError) as error:
        told(functions, body, "of@somebody")
    assert error.value.code == 100357
    assert error.value.message == (
        "Python Interpreter Error:\nTraceback (most recent call last):\n"
        '  File "_udf_code.py", line 4, in f\n  File "_udf_code.py", line 2, in g\n'
        "ValueError: the value ?[2Jof@somebody\n in function F"
    )
    with pytest.raises(SqlError) as error:
        told(functions, body, "of@somebody", silent=True)
    assert "of@somebody" not in error.value.message
    assert error.value.message.endswith("ValueError\n in function F")
    for ends in ("import os\ndef f(x):\n  os._exit(0)", "import sys\ndef f(x):\n  sys.exit(0)", "1 / 0"):
        with pytest.raises(SqlError, match="Python Interpreter Error"):
            told(functions, ends)


def test_it_imports_what_was_pinned(functions: PythonFunctions, tmp_path: Path) -> None:
    """developer-guide/udf/python/udf-python-examples, "Reading a statically-specified file using IMPORTS"."""
    (tmp_path / "pinned").write_text("the text")
    body = (
        "import os, sys\n"
        "with open(os.path.join(sys._xoptions['snowflake_import_directory'], 'file.txt')) as f:\n  s = f.read()\n"
        "def f(x):\n  return s"
    )
    imports = (Imported("file.txt", "@s/file.txt", str(tmp_path / "pinned")),)
    assert told(functions, body, imports=imports) == "the text"


def test_functions_of_two_parties_share_no_process(functions: PythonFunctions) -> None:
    two = [made("def f(x): return x"), made("def f(x): return x", owner="B")]
    with pytest.raises(SqlError, match="two owners"), functions.beside(two, lambda _: -1, zone="UTC", seconds=5):
        pass


@pytest.mark.slow
def test_bombs_end_with_the_statement_and_nothing_else(functions: PythonFunctions) -> None:
    with pytest.raises(SqlError, match=r"memory exhausted|ended"):
        told(functions, "def f(x):\n  return str(len(bytearray(8 << 30)))")
    forks = (
        "import os, time\ndef f(x):\n  n = 0\n  try:\n    while n < 5000:\n      if os.fork() == 0:\n"
        "        time.sleep(60)\n      n += 1\n  except OSError:\n    pass\n  return str(n)"
    )
    assert int(told(functions, forks)) < 64, "Limits.processes"
    with pytest.raises(SqlError) as error:
        told(functions, "def f(x):\n  while True: pass", seconds=3)
    assert error.value.code == 630
    assert told(functions, "def f(x): return x", "still here") == "still here"
