"""Whether the tests that `tests/tested_by.toml` records for a module execute it: what was measured says so.

Executing is more than importing: a line of a function's body. A module without functions has nothing to execute.
`make coverage-recorded` runs these tests and then this. As a program: without an argument the tests to run, one a line;
with the directory of what was measured whether it is so, and an exit status of 1 where it is not.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Final

sys.path.append(str(Path(__file__).resolve().parents[1]))
from floors import INSIDE, PACKAGE, combine
from test_tests_by_name import RECORD, by_record, entry_of

NOT_MEASURED: Final = ("runtime/",)
"""What runs inside of jobs alone, whose sandboxes see nothing of this measurement."""

Executed = Callable[[str], Mapping[int, Sequence[str]]]
"""Of a module: by line, the test modules that executed it."""


def bodies(source: str) -> frozenset[int]:
    """The lines of the bodies of its functions."""
    found: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.update(range(node.body[0].lineno, (node.end_lineno or 0) + 1))
        elif isinstance(node, ast.Lambda):
            found.update(range(node.body.lineno, (node.body.end_lineno or 0) + 1))
    return frozenset(found)


def tests_of(module: str, inside: Set[int], executed: Executed) -> frozenset[str]:
    """The test modules that execute it; `inside`: the lines of its functions."""
    return frozenset(test for line, tests in executed(module).items() if line in inside for test in tests if test)


def complaints(
    record: Mapping[str, Sequence[str]], by_entry: Mapping[str, Iterable[str]], executed: Executed
) -> list[str]:
    """What the record says and is not so.

    Args:
        record: tests by entry.
        by_entry: the modules of each entry that only the record leads to.
    """
    found = []
    for entry, tests in record.items():
        run: set[str] = set()
        for module in by_entry.get(entry, ()):
            inside = bodies((PACKAGE / module).read_text(encoding="utf-8"))
            by = tests_of(module, inside, executed)
            run |= by
            if inside and not by & set(tests):
                others = f"; {', '.join(sorted(by)[:3])} does" if by else ""
                found.append(f"{module}: none of {', '.join(tests)} executes it{others}")
        found += [f"{entry}: {test} executes nothing of it" for test in tests if test not in run]
    return found


def measured(combined: Path) -> Executed:
    """As coverage.py kept it, all processes together."""
    from coverage import CoverageData

    data = CoverageData(str(combined))
    data.read()
    return lambda module: data.contexts_by_lineno(str(PACKAGE / module))


def measurable() -> dict[str, list[str]]:
    """By entry, the modules that only the record leads to and that are seen by the measurement."""
    by_entry: dict[str, list[str]] = {}
    for module in by_record():
        if module not in INSIDE and not module.startswith(NOT_MEASURED):
            by_entry.setdefault(str(entry_of(module)), []).append(module)
    return by_entry


def main(argv: Sequence[str]) -> int:
    """The exit status."""
    by_entry = measurable()
    record = {entry: RECORD[entry] for entry in by_entry}
    if not argv:
        print("\n".join(sorted({f"tests/{test}" for tests in record.values() for test in tests})))
        return 0
    combine(Path(argv[0]))
    wrong = complaints(record, by_entry, measured(Path(argv[0]) / "combined"))
    print(
        "\n".join(wrong or [f"of {sum(map(len, by_entry.values()))} modules by record, each is executed by its tests"])
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
