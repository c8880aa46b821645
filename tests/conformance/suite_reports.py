"""What a suite's run came to: pytest's junit reports, the list of what is out of scope, and the causes of failures."""

from __future__ import annotations

import re
import tomllib
import xml.etree.ElementTree as ElementTree
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path


class Outcome(StrEnum):
    """How one test ended. What a suite skips by itself, or expects to fail, says nothing about the engine."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Result:
    """One test: its id (`file::class::name[parameters]`), how it ended, and the error in full where it failed."""

    test: str
    outcome: Outcome
    text: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """Tests of `suite` (patterns of ids, as of a shell) that are out of scope, and why."""

    suite: str
    tests: tuple[str, ...]
    reason: str

    def covers(self, suite: str, test: str) -> bool:
        """Whether a test is one of these."""
        return suite == self.suite and any(fnmatchcase(_plain(test), _plain(pattern)) for pattern in self.tests)


@dataclass(frozen=True, slots=True)
class Tally:
    """A suite's results against the list: what counts, and what does not and why."""

    passed: tuple[Result, ...]
    failed: tuple[Result, ...]
    skipped: tuple[Result, ...]
    out_of_scope: Mapping[str, int]

    @property
    def in_scope(self) -> int:
        """How many tests count."""
        return len(self.passed) + len(self.failed)

    @property
    def percent(self) -> float:
        """How many of them passed; 0 where none ran."""
        return 100 * len(self.passed) / self.in_scope if self.in_scope else 0.0


def read_rules(path: Path) -> tuple[Rule, ...]:
    """The list of what is out of scope.

    Raises:
        ValueError: a rule has no tests or no reason.
    """
    rules = []
    for entry in tomllib.loads(path.read_text(encoding="utf-8"))["rule"]:
        rule = Rule(entry["suite"], tuple(entry["tests"]), str(entry["reason"]).strip())
        if not rule.tests or not rule.reason:
            raise ValueError(f"a rule of {rule.suite} names no tests or no reason: {entry}")
        rules.append(rule)
    return tuple(rules)


def read_report(path: Path) -> tuple[Result, ...]:
    """One junit report (`junit_family=xunit1`). A test that fails and whose clean-up fails too is one failure."""
    results: dict[str, Result] = {}
    for case in ElementTree.parse(path).iter("testcase"):
        test = _test_id(case)
        result = Result(test, *_outcome(case))
        if test not in results or result.outcome is Outcome.FAILED:
            results[test] = result
    return tuple(results.values())


def tally(suite: str, results: Iterable[Result], rules: Sequence[Rule]) -> Tally:
    """Counts a suite's results. A test out of scope does not count, whether it passes or not."""
    kept: dict[Outcome, list[Result]] = {outcome: [] for outcome in Outcome}
    left_out: Counter[str] = Counter()
    for result in results:
        rule = next((rule for rule in rules if rule.covers(suite, result.test)), None)
        if rule is not None:
            left_out[rule.reason] += 1
        else:
            kept[result.outcome].append(result)
    return Tally(tuple(kept[Outcome.PASSED]), tuple(kept[Outcome.FAILED]), tuple(kept[Outcome.SKIPPED]), dict(left_out))


def whole_file(suite: str, file: str, rules: Sequence[Rule]) -> str:
    """Why none of a file's tests counts, which is then not run; empty where some may."""
    every = f"{file}::*"
    return next(
        (
            rule.reason
            for rule in rules
            if rule.suite == suite and any(each.endswith(".py::*") and fnmatchcase(every, each) for each in rule.tests)
        ),
        "",
    )


def causes(failed: Iterable[Result]) -> dict[str, list[Result]]:
    """Failures by what they say, without the names and numbers that differ each time; the most frequent first."""
    groups: defaultdict[str, list[Result]] = defaultdict(list)
    for result in failed:
        groups[cause(result.text)].append(result)
    return dict(sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])))


def cause(text: str) -> str:
    """The last error of a traceback, in one line of at most 200 characters."""
    errors = [line[1:].strip() for line in text.splitlines() if re.match(r"E\s{2,}\S", line)]
    shown = _last_error(errors) if errors else text.strip().splitlines()[0] if text.strip() else "no words"
    for pattern, placeholder in _DIFFERENT_EACH_TIME:
        shown = re.sub(pattern, placeholder, shown)
    return shown[:200]


_DIFFERENT_EACH_TIME = (
    (r"[0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}", "ID"),
    (r"0x[0-9a-f]+", "ADDRESS"),
    (r"\b(?=[A-Z_]*\d)[A-Z0-9_]{12,}\b", "NAME"),
)


def _last_error(errors: list[str]) -> str:
    """From the last line that names an exception on: an error of the engine goes on over lines."""
    named = [at for at, line in enumerate(errors) if re.match(r"[\w.]*(Error|Exception|Failed|Timeout)\b", line)]
    return " ".join(errors[named[-1] :] if named else errors[:1])


def _test_id(case: ElementTree.Element) -> str:
    file, classname, name = case.get("file") or "", case.get("classname") or "", case.get("name") or ""
    classes = classname.removeprefix(file.removesuffix(".py").replace("/", ".")).strip(".")
    return "::".join(filter(None, (file, classes.replace(".", "::"), name)))


def _outcome(case: ElementTree.Element) -> tuple[Outcome, str]:
    for tag in ("failure", "error"):
        if (found := case.find(tag)) is not None:
            return Outcome.FAILED, found.text or found.get("message") or ""
    if (found := case.find("skipped")) is not None:
        return Outcome.SKIPPED, found.get("message") or ""
    return Outcome.PASSED, ""


def _plain(text: str) -> str:
    """Brackets stand for themselves in a pattern: they are of a test's parameters."""
    return text.replace("[", "(").replace("]", ")")
