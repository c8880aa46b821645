"""The completion files are those that the program would print now, and they work in a real shell."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cleanroom_ml.cli.completions import FILES, script

DIRECTORY = Path(__file__).parents[2] / "completions"


@pytest.mark.parametrize("shell", FILES)
def test_the_files_are_current(shell: str, cli) -> None:
    """If not: `make completions`."""
    assert (DIRECTORY / FILES[shell]).read_text(encoding="utf-8") == script(shell)
    assert cli("completion", shell).out == script(shell)


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        (["cleanroom-ml", "sta"], {"stage", "status"}),
        (["cleanroom-ml", "spec", "re"], {"register"}),
        (["cleanroom-ml", "run", "--fol"], {"--follow"}),
        (["cleanroom-ml", "pool", "show", "--format", "js"], {"json", "jsonl"}),
    ],
)
def test_bash_completes(line: list[str], offered: set[str], tmp_path: Path) -> None:
    words = " ".join(line)
    code = (
        f"source {DIRECTORY / FILES['bash']}; COMP_WORDS=({words}); COMP_CWORD={len(line) - 1}; "
        '_cleanroom_ml_completion cleanroom-ml; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert set(done.stdout.split()) == offered
    assert done.stderr == ""


def test_zsh_and_fish_ask_the_program() -> None:
    zsh, fish = (DIRECTORY / FILES[shell] for shell in ("zsh", "fish"))
    assert zsh.read_text().startswith("#compdef cleanroom-ml\n")
    assert "_CLEANROOM_ML_COMPLETE=complete_zsh" in zsh.read_text()
    assert fish.read_text().startswith("complete --command cleanroom-ml ")
    assert "_CLEANROOM_ML_COMPLETE=complete_fish" in fish.read_text()


def test_completing_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys, atexit; atexit.register(lambda: print('\\n'.join(sys.modules), file=sys.stderr));"
        "from cleanroom_ml.cli.main import main; sys.argv[0] = 'cleanroom-ml'; main()"
    )
    environment = {
        "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "_CLEANROOM_ML_COMPLETE": "complete_bash",
        "COMP_WORDS": "cleanroom-ml sta", "COMP_CWORD": "1",
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert set(done.stdout.split()) == {"stage", "status"}
    # Typer itself imports rich and pydantic there.
    assert not {
        "snowflake.connector",
        "yaml",
        "cleanroom_ml.connection",
        "cleanroom_ml.services",
        "cleanroom_ml.specs",
    } & set(done.stderr.split())
