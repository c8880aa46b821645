"""`cleanroom-ml --help` beside the smallest Typer program that can be: what our command line adds to its framework.

Both are started in turns, on the same interpreter, from a warm file cache; `make bench` prints both medians.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

RUNS = 15
SMALLEST = """\
import typer
app = typer.Typer(rich_markup_mode=None, add_completion=False)
@app.command()
def one(): "One."
@app.command()
def two(): "Two."
app()
"""
OURS = "import sys; from cleanroom_ml.cli.main import main; main()"


def seconds(code: str, directory: Path) -> float:
    begin = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, cwd=directory)
    took = time.perf_counter() - begin
    assert done.returncode == 0
    assert "Usage:" in done.stdout
    return took


@pytest.mark.bench
def test_help_beside_the_smallest_typer_program(tmp_path: Path) -> None:
    programs = {"cleanroom-ml": OURS, "smallest Typer": SMALLEST}
    taken: dict[str, list[float]] = {name: [] for name in programs}
    for code in programs.values():
        seconds(code, tmp_path)
    for _ in range(RUNS):
        for name, code in programs.items():
            taken[name].append(seconds(code, tmp_path))
    ours, theirs = (statistics.median(taken[name]) for name in programs)
    for name, times in taken.items():
        median, low, high = statistics.median(times), min(times), max(times)
        print(f"\n{name + ' --help':24} median {median * 1000:6.0f} ms  ({low * 1000:.0f}–{high * 1000:.0f})", end="")
    print(f"\nratio                    {ours / theirs:6.2f}")
    assert all(len(times) == RUNS for times in taken.values())
