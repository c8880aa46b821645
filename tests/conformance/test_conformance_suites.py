"""The runner of the clients' suites: what it reads of a report, what the list leaves out, and which tag it takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from suite_page import Suite, page  # noqa: E402
from suite_reports import Outcome, Result, Rule, cause, causes, read_report, read_rules, tally  # noqa: E402
from suite_sources import Source, check_out, nearest_tag  # noqa: E402

JUNIT = """<testsuites><testsuite>
<testcase classname="tests.test_a" name="test_passes" file="tests/test_a.py"/>
<testcase classname="tests.test_a.TestIt" name="test_in_class[a-b]" file="tests/test_a.py"><failure message="m">
E   errors.ProgrammingError: 001003 (42000): 01b2c3d4-0000-1111-2222-333344445555: SQL compilation error:
E   no such thing</failure></testcase>
<testcase classname="tests.test_a" name="test_clean_up" file="tests/test_a.py"/>
<testcase classname="tests.test_a" name="test_clean_up" file="tests/test_a.py">
<error message="gone">E   OSError: gone</error></testcase>
<testcase classname="tests.test_a" name="test_skips" file="tests/test_a.py">
<skipped type="pytest.skip" message="no"/></testcase>
</testsuite></testsuites>"""


def test_a_report_gives_each_test_once_with_its_id_and_its_worst_end(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(JUNIT, encoding="utf-8")
    assert {result.test: result.outcome for result in read_report(report)} == {
        "tests/test_a.py::test_passes": Outcome.PASSED,
        "tests/test_a.py::TestIt::test_in_class[a-b]": Outcome.FAILED,
        "tests/test_a.py::test_clean_up": Outcome.FAILED,
        "tests/test_a.py::test_skips": Outcome.SKIPPED,
    }


def test_what_is_out_of_scope_counts_neither_as_passed_nor_as_failed() -> None:
    rules = [Rule("one", ("*::test_xml*", "*[a-b]"), "no XML"), Rule("two", ("*",), "another suite's")]
    results = [
        Result("f.py::test_xml_1", Outcome.FAILED),
        Result("f.py::test_xml_2", Outcome.PASSED),
        Result("f.py::test_other[a-b]", Outcome.FAILED),
        Result("f.py::test_other[ab]", Outcome.FAILED),
        Result("f.py::test_it", Outcome.PASSED),
        Result("f.py::test_skips", Outcome.SKIPPED),
    ]
    counted = tally("one", results, rules)
    assert counted.out_of_scope == {"no XML": 3}
    assert (counted.in_scope, [result.test for result in counted.failed]) == (2, ["f.py::test_other[ab]"])
    assert counted.percent == 50.0


def test_failures_of_one_cause_are_together_whatever_their_query_ids_are() -> None:
    said = "E   errors.ProgrammingError: 001003 (42000): {}: SQL compilation error:\nE   no such thing"
    ids = ("01b2c3d4-0000-1111-2222-333344445555", "01b2c3d4-0000-1111-2222-333344449999")
    failed = [Result(f"f.py::test_{at}", Outcome.FAILED, said.format(each)) for at, each in enumerate(ids)]
    assert [len(results) for results in causes(failed).values()] == [2]
    assert "no such thing" in cause(failed[0].text)


def test_a_rule_needs_a_reason(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nsuite = "one"\ntests = ["*"]\nreason = " "\n', encoding="utf-8")
    with pytest.raises(ValueError, match="no reason"):
        read_rules(rules)


def test_the_list_in_use_can_be_read_and_leaves_no_suite_out_as_a_whole() -> None:
    rules = read_rules(HERE / "out_of_scope.toml")
    assert {rule.suite for rule in rules} == {"snowpark", "connector", "fakesnow"}
    for suite in ("snowpark", "connector", "fakesnow"):
        assert not any(rule.covers(suite, "tests/test_some.py::test_some") for rule in rules)


@pytest.mark.parametrize(
    ("installed", "tag"), [("1.54.0", "v1.54.0"), ("1.56.0", "v1.54.0"), ("1.9.5", "v1.9.0"), (None, "v1.54.0")]
)
def test_the_tag_is_the_newest_that_is_not_newer_than_what_is_installed(installed: str | None, tag: str) -> None:
    assert nearest_tag(["v1.9.0", "v1.54.0", "v1.54.0a1", "nightly", "v1.10.0"], installed) == tag


def test_a_tag_is_taken_out_of_a_repository(tmp_path: Path) -> None:
    repository = tmp_path / "repository"

    def git(*arguments: str) -> None:
        subprocess.run(["git", "-C", repository, "-c", "user.name=n", "-c", "user.email=e@e", *arguments], check=True)

    (repository / "tests").mkdir(parents=True)
    (repository / "tests" / "test_a.py").write_text("one\n", encoding="utf-8")
    (repository / "not_this.py").write_text("two\n", encoding="utf-8")
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "-m", "first")
    git("tag", "v1.0.0")
    found = check_out(Source("a", "nowhere", None, ("tests",)), repository, tmp_path / "work")
    assert found.revision == "v1.0.0"
    assert [path.name for path in found.directory.rglob("*.py")] == ["test_a.py"]


def test_the_page_gives_numbers_reasons_and_failures() -> None:
    results = [Result("f.py::test_a", Outcome.FAILED, "E   ValueError: `no`"), Result("f.py::test_b", Outcome.PASSED)]
    counted = tally("one", [*results, Result("f.py::test_x", Outcome.PASSED)], [Rule("one", ("*_x",), "no X")])
    text = page([Suite("one", "v1", "1.1", counted, ("g.py",))])
    assert "| one | v1 | 1.1 | 2 | 1 | 50.0 | 1 | 0 |" in text
    assert "- 1 × no X" in text
    assert "- 1 × `ValueError: 'no'`\n    - f.py::test_a" in text
    assert "`g.py` was not run to its end" in text
