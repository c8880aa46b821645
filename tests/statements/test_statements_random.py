"""Random values are nobody else's: a worker's process is a copy of one that others are copies of as well."""

from __future__ import annotations

import pytest
from statements_client import Client

from cleanroom_ml.engine.warehouse import confined

TEXTS = (
    "SELECT UUID_STRING()",
    "SELECT RANDOM()",
    "SELECT ROUND(NORMAL(0, 1, RANDOM()), 9)",
    "SELECT RANDSTR(12, RANDOM())",
    "EXECUTE IMMEDIATE $$ DECLARE a STRING; BEGIN a := UUID_STRING(); RETURN a; END $$",
)


@pytest.mark.attack
@pytest.mark.sandbox
@pytest.mark.parametrize("text", TEXTS)
def test_no_two_processes_draw_the_same(alpha: Client, beta: Client, text: str) -> None:
    """Who could draw what another party drew would know its salts, its tokens and its noise."""
    drawn = set()
    for number in range(3):
        for party in (alpha, beta):
            party.result(f"CREATE OR REPLACE TABLE t{number} (a INT)")  # and with it the next query has a new process
            drawn.add(party.rows(text)[0][0])
    assert len(drawn) == 6


@pytest.mark.attack
@pytest.mark.sandbox
def test_numpys_random_numbers_are_a_process_own(alpha: Client, beta: Client) -> None:
    drawn = set()
    for party in (alpha, beta):
        party.result(
            "CREATE FUNCTION noise(a INT) RETURNS FLOAT LANGUAGE PYTHON RUNTIME_VERSION = '3.11' PACKAGES = ('numpy') "
            "HANDLER = 'f' AS 'import numpy\ndef f(a):\n    return float(numpy.random.rand())'"
        )
        drawn |= {party.rows("SELECT noise(1)")[0][0] for _ in range(2)}
    assert len(drawn) == 4


def test_a_database_that_is_used_has_a_context_of_its_own() -> None:
    """The control: a copied context has the copied state."""
    database = confined.Database()
    opened = database.connection
    database.start_threads()
    assert database.connection is not opened
