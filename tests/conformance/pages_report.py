"""The table of pages, statements and what became of them, as a page of our documentation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pages_page import Page
from pages_run import Outcome, Ran
from pages_text import Printed

CLIENTS = ("connector", "snow sql")
_INTRODUCTION = (
    "Every SQL statement of the public pages about the Collaboration API, run on fresh engines in the order and in the "
    "role that the page gives, with nothing replaced but its placeholders: once by snowflake-connector-python, once by "
    "`snow sql`. A statement of which the page says that it fails passes when it is refused. The pages are not part of "
    "this repository: `PAGES` is a directory with `OWNER/REPOSITORY/PATH` of each (`tests/conformance/pages_table.py` "
    "names them)."
)


@dataclass(frozen=True, slots=True)
class Result:
    """A page and what came of it, by client; `missing` says why it was not run."""

    page: Page
    found: Printed
    ran: Mapping[str, Ran]
    missing: str = ""


def written(results: Sequence[Result], not_run: Mapping[str, str]) -> str:
    """The page. `not_run`: a client, and why it could not be had."""
    return "\n".join(_lines(results, not_run)).rstrip() + "\n"


def _lines(results: Sequence[Result], not_run: Mapping[str, str]) -> Iterator[str]:
    yield "# The documentation's worksheets, as printed"
    yield ""
    yield "<!-- written by `make pages PAGES=DIR`; what is behind it: tests/conformance/ -->"
    yield ""
    yield _INTRODUCTION
    yield ""
    for client, why in not_run.items():
        yield f"**`{client}` was not run**: {why}"
        yield ""
    yield f"| page | statements | {' | '.join(f'passed by {client}' for client in CLIENTS)} | not statements to run |"
    yield "|---|---:|---:|---:|---:|"
    totals = [0, *(0 for _ in CLIENTS), 0]
    for result in results:
        to_run = [each for each in result.found.statements if not each.why_not]
        passed = [
            sum(each.passed for each in result.ran[client].outcomes) if client in result.ran else 0
            for client in CLIENTS
        ]
        none = len(result.found.statements) - len(to_run)
        counts = [len(to_run), *passed, none]
        totals = [total + count for total, count in zip(totals, counts, strict=True)]
        shown = ["not run" if result.missing else str(count) for count in counts]
        yield f"| {result.page.name} | {' | '.join(shown)} |"
    yield f"| **together** | {' | '.join(f'**{count}**' for count in totals)} |"
    yield ""
    yield "## What did not run, and why"
    yield ""
    for result in results:
        yield from _page(result)


def _outcomes(result: Result, client: str) -> Sequence[Outcome]:
    return result.ran[client].outcomes if client in result.ran else ()


def _page(result: Result) -> Iterator[str]:
    lines = [f"- not run: {result.missing}"] if result.missing else []
    if result.page.downloads:
        lines.append(f"- for download only, and not on the page: {result.page.downloads}")
    failed: dict[int, list[tuple[str, Outcome]]] = {}
    for client, ran in result.ran.items():
        lines += [f"- what it takes as given could not be made ({client}): `{_plain(each)}`" for each in ran.not_given]
        for at, each in enumerate(ran.outcomes):
            if not each.passed and not each.statement.why_not:
                failed.setdefault(at, []).append((client, each))
    for each in failed.values():
        outcome = each[0][1]
        by = "" if len(each) == len(result.ran) else f" ({', '.join(client for client, _ in each)} only)"
        lines.append(f"- `{_shown(outcome.statement.text)}`{by}: {_reason(result.page, outcome)}")
    none: dict[str, int] = {}
    for statement in result.found.statements:
        if statement.why_not:
            none[statement.why_not] = none.get(statement.why_not, 0) + 1
    lines += [f"- {count} × no statement to run: {why}" for why, count in none.items()]
    if lines:
        yield f"### {result.page.name}"
        yield ""
        yield from lines
        yield ""


def _reason(page: Page, outcome: Outcome) -> str:
    told = outcome.error or "ran, though the page says that it is refused"
    ours = next((why for part, why in page.reasons.items() if part in outcome.statement.text), "")
    return f"{ours} (`{_plain(told)}`)" if ours else f"`{_plain(told)}`"


def _plain(text: str) -> str:
    """A text that can stand between backquotes."""
    return text.replace("`", "'")


def _shown(text: str) -> str:
    """The beginning of a statement, which is enough to find it on its page."""
    one = " ".join(text.split()).replace("`", "'")
    return one if len(one) <= 100 else f"{one[:97]}…"
