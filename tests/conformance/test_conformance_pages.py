"""The worksheets of the documentation: what is read of a page, what its placeholders become, what the table says.

The pages here are in words of ours; the real ones are run where they are at hand (`make pages`, tests/conformance/).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pages
import pytest
from pages_clients import short
from pages_page import Page, Part
from pages_report import Result, written
from pages_run import Outcome, Ran, parts_of
from pages_table import PAGES
from pages_text import Printed, Statement, filled, read

TEXT = """# A page

Some words, `SELECT 1;` among them.

## First: make\\_it

Copy code

```
-- It's two statements; this is none.
CREATE TABLE <your_db>.PUBLIC.T (A INT);
INSERT INTO <your_db>.PUBLIC.T VALUES (1);

-- SWITCH TO the other account.
SELECT 'a;b' FROM $1;
```

> 1. In a list, in a quotation:
>
>    ```
>    SHOW TABLES LIKE 'T%';
>    ```

```
api_version: 2.0.0
template: |
  SELECT 1
```

```
VIEW_THINGS( [ '<name>' ] )
```

## Second

```
-- This will fail, because nobody may.
DROP DATABASE <your_db>;
CALL samooha_by_snowflake_local_db.provider.add_it('x');
SELECT {{ a }} FROM p;
CALL REGISTRY.REGISTER($$ template: SELECT {{ a }} FROM p; $$);
```
"""


def test_statements_are_read_out_of_fences_in_order() -> None:
    found = read(TEXT)
    assert [(each.block, each.piece, each.heading, " ".join(each.text.split())) for each in found.statements] == [
        (0, 0, "First: make_it", "CREATE TABLE <your_db>.PUBLIC.T (A INT)"),
        (0, 0, "First: make_it", "INSERT INTO <your_db>.PUBLIC.T VALUES (1)"),
        (0, 1, "First: make_it", "SELECT 'a;b' FROM $1"),
        (1, 0, "First: make_it", "SHOW TABLES LIKE 'T%'"),
        (2, 0, "First: make_it", "VIEW_THINGS( [ '<name>' ] )"),
        (3, 0, "Second", "DROP DATABASE <your_db>"),
        (3, 0, "Second", "CALL samooha_by_snowflake_local_db.provider.add_it('x')"),
        (3, 0, "Second", "SELECT {{ a }} FROM p"),
        (3, 0, "Second", "CALL REGISTRY.REGISTER($$ template: SELECT {{ a }} FROM p; $$)"),
    ]
    assert [each.refused for each in found.statements] == [False] * 5 + [True] + [False] * 3
    assert [bool(each.why_not) for each in found.statements] == [False] * 4 + [True, False, True, True, False]
    assert found.other_blocks == 1, "of YAML"


def test_a_worksheet_is_one_block_and_is_cut_where_the_table_says() -> None:
    found = read("USE ROLE R;\n-- Clean up.\nDROP DATABASE D;", worksheet=True, cuts=("-- Clean up",))
    assert [(each.block, each.piece, each.text) for each in found.statements] == [
        (0, 0, "USE ROLE R"),
        (0, 1, "DROP DATABASE D"),
    ]


def test_placeholders_become_values_and_nothing_else_does() -> None:
    values = {"<a name>": "x", "org1.acct": "LOCAL.ME", "[WHERE s = '<s>']": "WHERE s = 'y'"}
    assert filled("CALL F('<a name>', 'org1.acct', 'org1.acct_2', $x->>1) [WHERE s = '<s>']", values) == (
        "CALL F('x', 'LOCAL.ME', 'org1.acct_2', $x->>1) WHERE s = 'y'"
    )
    assert filled("SELECT 1 < 2 AND 3 > 2", {}) == "SELECT 1 < 2 AND 3 > 2"
    with pytest.raises(LookupError, match="<another name>"):
        filled("USE ROLE <another name>", values)


def test_a_page_that_is_another_than_it_was_is_told() -> None:
    page = Page("p.md", ("a", "b"), (Part("a", 0, 0, 0), Part("b", 0, 0, 1), Part("a", 1, 3)))
    said = [(part.party, [each.text[:6] for each in mine]) for part, mine in parts_of(page, read(TEXT))]
    assert said == [("a", ["CREATE", "INSERT"]), ("b", ["SELECT"]),
                    ("a", ["SHOW T", "VIEW_T", "DROP D", "CALL s", "SELECT", "CALL R"])]  # fmt: skip
    with pytest.raises(ValueError, match=r"p\.md has 5 blocks"):
        parts_of(page, read(TEXT + "\n```\nSELECT 1;\n```\n"))


@pytest.mark.parametrize(
    ("statement", "error", "wanted", "passed"),
    [
        (Statement("SELECT 1", "", 0, 0), "", "", True),
        (Statement("SELECT 1", "", 0, 0), "no", "", False),
        (Statement("SELECT 1", "", 0, 0, refused=True), "", "no", False),
        (Statement("SELECT 1", "", 0, 0, refused=True), "no, said it", "no", True),
        (Statement("SELECT 1", "", 0, 0, refused=True), "there is no such table", "of its policy", False),
        (Statement("SELECT 1", "", 0, 0, refused=True), "nobody said what for", "", False),
        (Statement("F()", "", 0, 0, why_not="a form"), "", "", False),
    ],
)
def test_a_statement_passes_when_it_ends_as_the_page_says(
    statement: Statement, error: str, wanted: str, passed: bool
) -> None:
    assert Outcome(statement, "a", error, wanted).passed is passed


def test_the_table_counts_what_passed_and_says_why_the_rest_did_not() -> None:
    found = read(TEXT)
    outcomes = [Outcome(each, "a", "there is `no` T" if "INSERT" in each.text else "") for each in found.statements]
    page = Page("szeno/snowflake-docs/markdown/en/user-guide/cleanrooms/x.md", reasons={"INSERT": "a misprint"})
    missing = Result(Page("y.md"), Printed(), {}, "it is not there")
    table = written([Result(page, found, {"connector": Ran(outcomes)}), missing], {"snow sql": "it is not here"})
    assert "| x.md | 6 | 4 | 0 | 3 |" in table, "the DROP was not refused"
    assert "**`snow sql` was not run**: it is not here" in table
    assert "- `INSERT INTO <your_db>.PUBLIC.T VALUES (1)`: a misprint (`there is 'no' T`)" in table
    assert "- `DROP DATABASE <your_db>`: `ran, though the page says that it is refused`" in table
    assert "| y.md | not run | not run | not run | not run |" in table


def test_an_error_is_told_without_what_is_another_each_time() -> None:
    told = "000904 (42000): 01b2c3d4-0000-4444-8888-0123456789ab: SQL compilation error:\ninvalid identifier 'X'"
    assert short(told) == "SQL compilation error: invalid identifier 'X'"


def test_each_page_stands_in_the_table_once_and_each_part_has_a_party() -> None:
    paths = [path for page in PAGES for path in (page.path, *page.more)]
    assert len(paths) == len(set(paths))
    for page in PAGES:
        assert {part.party for part in page.parts} | {party for party, _ in page.given} <= set(page.parties), page.name


@pytest.mark.sandbox
@pytest.mark.slow
def test_the_pages_at_hand_run_as_the_table_in_docs_says() -> None:
    """All pages, by the connector. What the documentation page of ours tells of them is then true still."""
    place = os.environ.get(pages.VARIABLE)
    if not place:
        pytest.skip(f"the pages are not ours to keep: {pages.VARIABLE} names a directory of them")
    results, _ = pages.run_pages(Path(place).absolute(), clients=("connector",), tell=lambda _: None)
    table = (Path(__file__).parents[2] / "docs" / "reference" / "worksheets.md").read_text(encoding="utf-8")
    for result in results:
        assert not result.missing, result
        passed = _passed(result.ran["connector"].outcomes) if "connector" in result.ran else 0
        to_run = sum(not each.why_not for each in result.found.statements)
        assert f"| {result.page.name} | {to_run} | {passed} |" in table, result.ran


def _passed(outcomes: Sequence[Outcome]) -> int:
    return sum(each.passed for each in outcomes)
