"""docs/reference/conformance.md, as the last run of the suites gives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from suite_reports import Tally, causes

HEAD = """# The clients' own tests

<!-- written by tests/conformance/suites.py: run it again, do not edit -->

What the integration suites of Snowflake's clients, and of fakesnow, find when they run against the embedded engine.
The suites are taken from their public repositories at the tags nearest to the installed versions; nothing of theirs is
in this repository. A test counts unless it is out of scope ([the list](../../tests/conformance/out_of_scope.toml), each
rule with its reason) or the suite skips it by itself.
How to run them: the first lines of [suites.py](../../tests/conformance/suites.py).
"""

SHOWN = 5
"""Tests that are named of those that fail for one reason."""


@dataclass(frozen=True, slots=True)
class Suite:
    """One suite's numbers. `without` are files that gave no report, `wholes` those that are not run, and why."""

    name: str
    revision: str
    installed: str
    counted: Tally
    without: tuple[str, ...]
    wholes: Mapping[str, str] = field(default_factory=dict)


def page(suites: Sequence[Suite]) -> str:
    """The page: the numbers, what is out of scope, and the failures under what they say."""
    lines = [HEAD, "| suite | its tag | installed | in scope | passed | % | out of scope | skipped by itself |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for suite in suites:
        counted = suite.counted
        out = sum(counted.out_of_scope.values())
        lines.append(
            f"| {suite.name} | {suite.revision} | {suite.installed} | {counted.in_scope} | {len(counted.passed)} | "
            f"{counted.percent:.1f} | {out} | {len(counted.skipped)} |"
        )
    for suite in suites:
        lines += ["", f"## {suite.name}: out of scope", ""]
        reasons = sorted(suite.counted.out_of_scope.items(), key=lambda item: -item[1])
        lines += [f"- {count} × {reason}" for reason, count in reasons]
        lines += [f"- all of `{file}`: {reason}" for file, reason in suite.wholes.items()]
        lines += ["", f"## {suite.name}: failures", ""]
        lines += [f"- `{file}` was not run to its end" for file in suite.without]
        for said, results in causes(suite.counted.failed).items():
            lines.append("- {} × `{}`".format(len(results), said.replace("`", "'")))
            lines += [f"    - {result.test}" for result in results[:SHOWN]]
            lines += [f"    - and {len(results) - SHOWN} more"] if len(results) > SHOWN else []
    return "\n".join(lines).rstrip() + "\n"
