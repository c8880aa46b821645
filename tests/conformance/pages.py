"""Runs the pages of the public documentation, and writes the table of what came of it: `make pages PAGES=DIR`.

DIR holds the pages as OWNER/REPOSITORY/PATH (a directory of checkouts of public repositories): nothing of them is ours.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pages_clients import Client, Snow, connector, snow_program
from pages_page import Page
from pages_report import CLIENTS, Result, written
from pages_run import MakeClient, Ran, files_of, printed, run
from pages_table import PAGES
from pages_text import Printed

from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.local import accounts
from cleanroom_ml.local import engine as local_engine
from cleanroom_ml.local.home import ensure_home

VARIABLE = "CLEANROOM_ML_PAGES"
SNOW = "snow sql"


def run_pages(
    pages: Path,
    chosen: tuple[Page, ...] = PAGES,
    tell: Callable[[str], None] = print,
    clients: Sequence[str] = CLIENTS,
) -> tuple[list[Result], dict[str, str]]:
    """The results of pages, and the clients that could not be had with the reason."""
    program = snow_program() if SNOW in clients else "not asked for"
    not_run = {SNOW: program} if isinstance(program, str) else {}
    found = {page.path: _printed(page, pages) for page in chosen}
    outcomes: dict[str, dict[str, Ran]] = {page.path: {} for page in chosen}
    for client in (each for each in clients if each not in not_run):
        place = Path(tempfile.mkdtemp(prefix="cr-"))
        try:
            home = ensure_home(place / "home")
            for number, page in enumerate(chosen):
                what = found[page.path]
                if isinstance(what, Printed) and what.statements:
                    tell(f"{client}: {page.name}")
                    with files_of(page, place):
                        make = _maker(client, home, place, program)
                        outcomes[page.path][client] = run(page, what, home, make, f"P{number}")
        finally:
            local_engine.stop(home)
            shutil.rmtree(place, ignore_errors=True)
    return [_result(page, found[page.path], outcomes[page.path]) for page in chosen], not_run


def _printed(page: Page, pages: Path) -> Printed | str:
    try:
        return printed(page, pages)
    except OSError as error:
        return f"it is not in the directory of pages: {error.strerror}"


def _result(page: Page, found: Printed | str, outcomes: Mapping[str, Ran]) -> Result:
    return Result(page, Printed(), {}, found) if isinstance(found, str) else Result(page, found, outcomes)


def _maker(client: str, home: Home, place: Path, program: Path | str) -> MakeClient:
    def make(account: str) -> Client:
        if client == "connector":
            return connector(home, account)
        assert isinstance(program, Path)
        return Snow(program, home, accounts.create(account, home=home).connection, place)

    return make


def main(arguments: list[str]) -> int:
    """The command. Its exit code is 0 when all pages were run, whatever came of them: the table says it."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--pages", type=Path, default=os.environ.get(VARIABLE), help=f"the directory (or ${VARIABLE})")
    parser.add_argument("--only", nargs="*", default=[""], help="pages whose path has this in it; nothing is written")
    parser.add_argument("--client", choices=CLIENTS, help="one client only; nothing is written")
    parser.add_argument("--write", type=Path, help="the file for the table")
    asked = parser.parse_args(arguments)
    if asked.pages is None:
        parser.error(f"where are the pages? --pages DIR, or {VARIABLE}=DIR")
    chosen = tuple(page for page in PAGES if any(each in page.path for each in asked.only))
    # Keys and connections of whoever runs this are left alone.
    own = Path(tempfile.mkdtemp(prefix="cr-"))
    os.environ.update({f"CLEANROOM_ML_{name}": str(own / name) for name in ("HOME", "CONFIG", "STATE")})

    def tell(line: str) -> None:
        print(line, file=sys.stderr)

    try:
        results, not_run = run_pages(asked.pages.absolute(), chosen, tell, (asked.client,) if asked.client else CLIENTS)
    finally:
        shutil.rmtree(own, ignore_errors=True)
    table = written(results, not_run)
    if asked.write is not None and asked.only == [""] and not asked.client:
        asked.write.write_text(table, encoding="utf-8")
    else:
        print(table)
    ungiven = [each for result in results for ran in result.ran.values() for each in ran.not_given]
    whole = not not_run and not ungiven and not any(result.missing for result in results)
    return 0 if whole else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
