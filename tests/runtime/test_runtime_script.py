"""The script runner, each time in an interpreter of its own: it replaces `__main__`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

RUNTIME = Path(__file__).parents[2] / "cleanroom_ml" / "runtime"


@pytest.fixture
def run(tmp_path):
    # As in a sandbox: the directory is a package under a name of its own, and nothing else of ours is importable.
    library = tmp_path / "lib"
    library.mkdir()
    (library / "cleanroom_runtime").symlink_to(RUNTIME)
    code = tmp_path / "code"
    code.mkdir()

    def run(script: str, *, python: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        (code / "train.py").write_text(script)
        driver = (
            f"import sys; sys.path.insert(0, {str(library)!r})\n"
            "from pathlib import Path\nfrom cleanroom_runtime import script\n"
            f"code, variables = script.run(Path({str(code)!r}), 'train.py', '{{}}')\n"
            "import json; print('RETURNED', json.dumps([code, variables.get('__return__')]))"
        )
        return subprocess.run(
            [sys.executable, *python, "-c", driver],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
            check=False,
        )

    return run


def returned(completed):
    line = completed.stdout.splitlines()[-1]
    assert line.startswith("RETURNED "), completed
    return json.loads(line.removeprefix("RETURNED "))


def test_nothing_else_of_ours_is_needed(run):
    assert returned(run("__return__ = 1", python=("-S", "-I"))) == [0, 1]


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("sys.exit()", 0),
        ("sys.exit(0)", 0),
        ("sys.exit(3)", 3),
        ("sys.exit(-1)", 255),
        ("sys.exit(256)", 0),
        ("sys.exit('why')", 1),
        ("raise SystemExit", 0),
        ("raise KeyboardInterrupt", 1),
        ("1 / 0", 1),
        ("raise BaseException('x')", 1),
    ],
)
def test_exit_codes_are_the_interpreters(run, tmp_path, statement, code):
    script = f"import sys\n{statement}\n"
    assert returned(run(script))[0] == code
    (tmp_path / "plain.py").write_text(script)
    plain = subprocess.run([sys.executable, str(tmp_path / "plain.py")], capture_output=True, check=False).returncode
    assert code == plain or (statement == "raise KeyboardInterrupt" and plain in (-2, 130))


def test_a_return_value_set_before_a_successful_exit_counts(run):
    assert returned(run("import sys\n__return__ = 5\nsys.exit(0)")) == [0, 5]


def test_tracebacks_begin_in_the_script(run):
    error = run("def f():\n    raise KeyError('k')\nf()\n").stderr
    assert error.splitlines()[1].strip().endswith('train.py", line 3, in <module>')
    assert "script.py" not in error
    assert error.splitlines()[-1] == "KeyError: 'k'"


def test_a_scripts_own_excepthook_is_used(run):
    assert run("import sys\nsys.excepthook = lambda *a: print('hook', a[0].__name__)\n1/0").stdout.startswith(
        "hook ZeroDivision"
    )


def test_main_can_be_imported_and_pickled(run):
    script = """
import pickle, sys, __main__
class Model: pass
assert pickle.loads(pickle.dumps(Model())).__class__ is Model
assert __main__.Model is Model and sys.modules["__main__"].__file__.endswith("train.py")
__return__ = "fine"
"""
    assert returned(run(script)) == [0, "fine"]


def test_a_missing_entrypoint_is_an_error_of_the_job(run, tmp_path):
    completed = run("import os\nos.remove(__file__)")
    assert returned(completed)[0] == 0
