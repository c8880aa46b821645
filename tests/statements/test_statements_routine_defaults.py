"""A function or procedure with optional arguments is the only one of its name (sql-reference/sql/create-function:
"overloading", optional arguments): a call would not say which is meant.
"""

from __future__ import annotations

import pytest
from statements_client import Client
from statements_foreign import refused

ALONE = "one with optional arguments is the only one of its name"
MADE = {
    "FUNCTION": "RETURNS INT AS '1'",
    "PROCEDURE": "RETURNS INT LANGUAGE SQL AS 'BEGIN RETURN 1; END'",
}


@pytest.mark.parametrize("kind", list(MADE))
def test_none_of_its_name_is_made_or_renamed_beside_it(alpha: Client, kind: str) -> None:
    made = MADE[kind]
    alpha.result(f"CREATE {kind} g(a INT, b INT DEFAULT 2) {made}")
    alpha.result(f"CREATE {kind} h(a VARCHAR) {made}")
    assert ALONE in refused(alpha, f"CREATE {kind} g(a VARCHAR) {made}")
    assert ALONE in refused(alpha, f"ALTER {kind} h(VARCHAR) RENAME TO g")
    assert ALONE in refused(alpha, f"ALTER {kind} g(INT, INT) RENAME TO h")
    alpha.result(f"ALTER {kind} g(INT, INT) RENAME TO k")
    alpha.result(f"ALTER {kind} h(VARCHAR) RENAME TO g")
