"""Tests are left out for the runtime extra alone, never where it was asked for, and what needs it says so."""

from __future__ import annotations

import re
from pathlib import Path

import left_out
import pytest

TESTS = Path(__file__).parent
_IMPORT = re.compile(rf"^\s*(import|from) ({'|'.join(map(re.escape, left_out.LIBRARIES))})\b", re.M)


@pytest.mark.parametrize(
    ("environ", "missing", "skipped"),
    [
        ({}, (), False),
        ({}, ("torch",), True),
        ({"CI": "true"}, ("torch",), False),
        ({"CI": "true", "CLEANROOM_ML_EXTRAS": "engine,runtime,samples,dev"}, ("torch", "ray"), False),
        ({"CI": "true", "CLEANROOM_ML_EXTRAS": "engine,samples,dev"}, ("torch", "ray"), True),
        ({"CLEANROOM_ML_EXTRAS": "engine,samples,dev"}, (), False),
    ],
)
def test_only_what_was_left_out_is_skipped(environ: dict[str, str], missing: tuple[str, ...], skipped: bool) -> None:
    why = left_out.reason(environ, lambda name: name not in missing)
    assert (why is not None) is skipped
    assert all(name in str(why) for name in missing) or not skipped


def test_a_module_that_cannot_be_found_is_no_error() -> None:
    assert left_out.installed("pytest")
    assert not left_out.installed("no_such_package.of.ours")


def test_every_test_that_imports_a_library_of_the_runtime_extra_says_so() -> None:
    """At the top of its module, where the module is skipped; else, in a job's script, by the mark."""
    silent = []
    for file in TESTS.rglob("test_*.py"):
        text = file.read_text(encoding="utf-8")
        if _IMPORT.search(text) and not left_out.imports_it(file) and "pytest.mark.runtime" not in text:
            silent.append(str(file.relative_to(TESTS)))
    assert silent == []
