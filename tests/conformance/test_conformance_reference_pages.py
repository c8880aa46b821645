"""The runner of the reference pages' examples, on a page of our own words, and the page of functions beside it."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path

import function_page
import pytest
import reference_pages

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions import table

PAGE = """# DOUBLED

```
DOUBLED( <expr> )
```

> Copy code
>
> ```
> CREATE TABLE t (a INT);
> INSERT INTO t VALUES (1);
> ```

```
SELECT a, a * 2, PARSE_JSON('{"k":1}') FROM t;
```

```
+---+-------+----------+
| A | A * 2 | PARSED   |
|---+-------+----------|
| 1 |     2 | {        |
|   |       |   "k": 1 |
|   |       | }        |
+---+-------+----------+
```

```
SELECT a FROM <some_table>;
```

```
SELECT 1;
+---+
| 1 |
|---|
| 1 |
+---+
```
"""


def test_statements_and_what_they_print_are_found() -> None:
    found = list(reference_pages.examples("doubled", PAGE))
    assert [each.statement.split()[0] for each in found] == ["CREATE", "INSERT", "SELECT", "SELECT", "SELECT"]
    assert [each.rows for each in found] == [None, None, (("1", "2", '{\n"k": 1\n}'),), None, (("1",),)]


@pytest.mark.parametrize(
    ("printed", "value", "same"),
    [
        ("NULL", None, True),
        ("0", None, False),
        ("True", True, True),
        ("1.50", Decimal("1.5"), True),
        ("1.5", Decimal("1.51"), False),
        ("0.3333333", 1 / 3, True),
        ("0.3343333", 1 / 3, False),
        ('{"k":1}', '{\n  "k": 1\n}', True),
        ("2024-01-02 00:00:00.000", datetime.datetime(2024, 1, 2), True),
        ("2024-01-02", datetime.date(2024, 1, 3), False),
        ("6162", b"ab", True),
    ],
)
def test_a_printed_cell_is_a_value_or_is_none(printed: str, value: object, same: bool) -> None:
    assert reference_pages.is_same(printed, value) is same


class Cursor:
    """What a connector's cursor is to the runner: the SQL is read, the rows are given."""

    def __init__(self, rows: list[tuple[object, ...]], error: Exception | None = None) -> None:
        self._rows, self._error = rows, error

    def execute(self, _: str) -> Cursor:
        if self._error is not None:
            raise self._error
        return self

    def fetchall(self) -> list[tuple[object, ...]]:
        return self._rows


class Refused(Exception):
    def __init__(self, errno: int) -> None:
        super().__init__("refused")
        self.errno = errno


@pytest.mark.parametrize(
    ("cursor", "kind"),
    [
        (Cursor([(1,)]), "right"),
        (Cursor([(2,)]), "wrong"),
        (Cursor([(1,), (1,)]), "wrong"),
        (Cursor([], Refused(2)), "refused"),
        (Cursor([], Refused(2003)), "illustrative"),
        (Cursor([], Refused(603)), "misleading"),
    ],
)
def test_an_example_has_one_outcome(cursor: Cursor, kind: str) -> None:
    example = reference_pages.Example("page", "SELECT 1", (("1",),))
    assert reference_pages.outcome(example, cursor)[0] == kind


def test_the_page_of_functions_is_what_the_engine_says() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "sql-functions.md"
    assert page.read_text(encoding="utf-8") == function_page.page(), "make docs"


def test_what_from_knows_by_its_name_is_done() -> None:
    """The page said that QUERY_HISTORY is refused: it, and its test, asked the table of functions alone."""
    assert "| `QUERY_HISTORY` | done |" in function_page.page()


def test_every_function_of_snowflakes_is_done_or_refused_by_its_name() -> None:
    for name in function_page.listed():
        if not function_page.is_done(name) and name not in function_page.REFUSED:
            with pytest.raises(SqlError, match=rf"Unsupported feature '{name.replace('$', '[$]')}'"):
                table.call(name, [])
