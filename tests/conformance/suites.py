"""Runs the clients' own integration suites against a fresh engine, and writes docs/reference/conformance.md.

    .venv/bin/pip install -r tests/conformance/requirements.txt
    .venv/bin/python tests/conformance/suites.py --work /tmp/conformance

The suites come from their public repositories, at the tags nearest to what is installed here (`--from NAME=DIRECTORY`
takes a checkout or a bare repository that is here already); nothing of theirs is kept. It takes an hour or two. Done
again with the same `--work` it goes on where it was; `--again PATTERN` runs files anew.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from importlib.metadata import version
from pathlib import Path

import snowflake.connector
from suite_page import Suite, page
from suite_reports import read_report, read_rules, tally, whole_file
from suite_runs import Run, reported, run_files
from suite_sources import Source, check_out

from cleanroom_ml.local import accounts
from cleanroom_ml.local import engine as local_engine
from cleanroom_ml.local.home import ensure_home

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "reference" / "conformance.md"
DATABASE = "SUITES"


@dataclass(frozen=True, slots=True)
class ClientSuite:
    """One suite: where it comes from, which of its files are run, and what it has to be told."""

    source: Source
    tests: tuple[str, ...]
    prepare: Callable[[Path, dict[str, object]], None]
    arguments: tuple[str, ...] = ()


def _parameters(at: str) -> Callable[[Path, dict[str, object]], None]:
    """Writes what a suite's own `parameters.py` is."""

    def prepare(directory: Path, parameters: dict[str, object]) -> None:
        (directory / at).write_text(f"CONNECTION_PARAMETERS = {parameters!r}\n", encoding="utf-8")

    return prepare


def _snowpark(directory: Path, parameters: dict[str, object]) -> None:
    """Its parameters, and its list of types without GEOGRAPHY and GEOMETRY, which are out of scope: the tables of a
    whole file have a column of each type. What it sets on its owner's accounts before each test, of packages that
    Snowflake serves, is no statement of the tests: left out, as the switches of `snowpark_switches.py` are.
    """
    _parameters("tests/parameters.py")(directory, parameters)
    types = directory / "tests" / "utils.py"
    listed = types.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in listed if not re.match(r'\s*TypeMap\("geo', line)]
    types.write_text("".join(kept), encoding="utf-8")
    setting = 'f"ALTER SCHEMA SET DEFAULT_PYTHON_ARTIFACT_REPOSITORY = {_DEFAULT_ARTIFACT_REPOSITORY}"'
    for file in (directory / "tests" / "integ").glob("*.py"):
        text = file.read_text(encoding="utf-8")
        if setting in text:
            file.write_text(text.replace(setting, '"SELECT 1"'), encoding="utf-8")


def _fixtures(directory: Path, parameters: dict[str, object]) -> None:
    """The fakesnow suite is given its connections by fixtures: ours are in the place of its own."""
    shutil.copy(HERE / "fakesnow_fixtures.py", directory / "tests" / "conftest.py")


_IN_THREADS = ("test_privatelink_ocsp_url_multithreaded", "test_privatelink_ocsp_url_multithreaded_snowsql")
SUITES = {
    "snowpark": ClientSuite(
        Source(
            "snowpark",
            "https://github.com/snowflakedb/snowpark-python",
            "snowflake-snowpark-python",
            ("tests", "tox.ini", "setup.cfg"),
        ),
        ("tests/integ/test_*.py", "tests/integ/scala/test_*.py", "tests/integ/compiler/test_*.py"),
        _snowpark,
        ("--skip_sql_count_check", "-p", "no:doctest", "-o", "addopts=", "-p", "snowpark_switches"),
    ),
    "connector": ClientSuite(
        Source(
            "connector",
            "https://github.com/snowflakedb/snowflake-connector-python",
            "snowflake-connector-python",
            ("test", "tox.ini", "setup.cfg"),
        ),
        ("test/integ/test_*.py", "test/integ/pandas_it/test_*.py"),
        _parameters("test/parameters.py"),
        # Out of scope, and with what goes wrong in their threads Python 3.11 ends pytest, before the rest of the file.
        tuple(f"--deselect=test/integ/test_connection.py::{each}" for each in _IN_THREADS),
    ),
    "fakesnow": ClientSuite(
        Source("fakesnow", "https://github.com/tekumara/fakesnow", None, ("tests", "fakesnow", "pyproject.toml")),
        ("tests/test_*.py",),
        _fixtures,
    ),
}


@contextmanager
def _engine(home_directory: Path) -> Iterator[dict[str, object]]:
    """A fresh engine with one account: what its administrator connects with."""
    shutil.rmtree(home_directory, ignore_errors=True)
    home = ensure_home(home_directory)
    try:
        local_engine.ensure_running(home)
        made = accounts.create("SUITES", home=home)
        parameters = dict(accounts.connections(home)[made.connection])
        with snowflake.connector.connect(**parameters) as connection:
            connection.cursor().execute(f"create database {DATABASE}")
        yield {**parameters, "database": DATABASE, "schema": "PUBLIC"}
    finally:
        local_engine.stop(home)


def _files(directory: Path, patterns: tuple[str, ...], only: str) -> list[str]:
    found = {path for pattern in patterns for path in directory.glob(pattern)}
    names = sorted(str(path.relative_to(directory)) for path in found)
    return [name for name in names if fnmatch(name, only)]


def main(arguments: list[str]) -> None:
    """Runs the suites that are asked for, and writes the page from all reports there are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="where sources, reports and the engine's home lie")
    parser.add_argument("--from", dest="given", action="append", default=[], metavar="NAME=DIRECTORY")
    parser.add_argument("--only", action="append", choices=sorted(SUITES), help="one suite; all without it")
    parser.add_argument("--files", default="*", help="a pattern of their files")
    parser.add_argument("--again", metavar="PATTERN", help="files to run anew, though their reports are there")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--together", type=int, default=6, help="files that one process runs")
    parser.add_argument("--timeout", type=int, default=120, help="seconds a test may take")
    parser.add_argument("--packages", type=Path, help="a directory of packages that only the suites need")
    parser.add_argument("--no-run", action="store_true", help="only read the reports")
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args(arguments)
    work: Path = options.work.resolve()
    given = dict(pair.split("=", 1) for pair in options.given)
    rules = read_rules(HERE / "out_of_scope.toml")
    suites: list[Suite] = []
    with _nothing() if options.no_run else _engine(work / "home") as parameters:
        for name in options.only or SUITES:
            suite = SUITES[name]
            checkout = check_out(suite.source, Path(given[name]) if name in given else None, work)
            files = _files(checkout.directory, suite.tests, options.files)
            wholes = {file: reason for file in files if (reason := whole_file(name, file, rules))}
            files = [file for file in files if file not in wholes]
            environment = {"CLEANROOM_ML_HOME": str(work / "home"), "SNOWFLAKE_HOME": str(work / "client")}
            run = Run(
                checkout.directory,
                work / "reports" / name,
                suite.arguments,
                environment,
                options.timeout,
                options.packages,
            )
            if not options.no_run:
                suite.prepare(checkout.directory, parameters)
                done = {file for _, batch in reported(run.reports) for file in batch}
                waiting = [file for file in files if file not in done or fnmatch(file, options.again or "")]
                run_files(run, waiting, workers=options.workers, together=options.together, say=_say)
            reports = reported(run.reports)
            # Of a test that was run again the last result counts.
            results = {result.test: result for path, _ in reports for result in read_report(path)}
            counted = tally(name, (results[test] for test in sorted(results) if test.split("::")[0] in files), rules)
            done = {file for _, batch in reports for file in batch}
            without = [file for file in files if file not in done]
            installed = version(suite.source.distribution) if suite.source.distribution else "-"
            suites.append(Suite(name, checkout.revision, installed, counted, tuple(without), wholes))
            _say(f"{name} {checkout.revision}: {len(counted.passed)} of {counted.in_scope}, {counted.percent:.1f} %")
    options.page.write_text(page(suites), encoding="utf-8")


def _say(line: str) -> None:
    print(line, flush=True)


@contextmanager
def _nothing() -> Iterator[dict[str, object]]:
    yield {}


if __name__ == "__main__":
    main(sys.argv[1:])
