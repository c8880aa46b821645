"""One Snowpark session in several threads (developer-guide/snowpark/python/working-with-dataframes: queries that are
submitted concurrently): every collect() answers its own rows.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from snowflake.snowpark import Session

pytestmark = pytest.mark.sandbox


def test_threads_of_one_session_get_their_own_rows(session: Session) -> None:
    def one(number: int) -> list[tuple[int, str]]:
        return [tuple(row) for row in session.sql(f"SELECT {number} AS a, '{number}x' AS b").collect()]

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(one, range(16)))
    assert found == [[(number, f"{number}x")] for number in range(16)]
