"""Cutting statements apart and reading their options takes time that grows with the text, and no faster."""

from __future__ import annotations

import time

import pytest

from cleanroom_ml.engine.contracts.limits import MAX_COLUMNS
from cleanroom_ml.engine.protocol.stages import transfer_verb
from cleanroom_ml.engine.sql.binds import NO_BINDS, Binds
from cleanroom_ml.engine.sql.lex.cursor import Cursor
from cleanroom_ml.engine.sql.lex.split import statements
from cleanroom_ml.engine.sql.lex.tokens import tokenize
from cleanroom_ml.engine.sql.read.classify import classify
from cleanroom_ml.engine.sql.read.names import NameReader
from cleanroom_ml.naming import like

MANY = 40_000


def seconds(work: object, *arguments: object) -> float:
    before = time.process_time()
    assert callable(work)
    work(*arguments)
    return time.process_time() - before


@pytest.mark.attack
@pytest.mark.parametrize("word", ["if ", "for ", "while ", "begin ", "declare x; begin ", "case ", "end ", "repeat "])
def test_words_that_open_blocks_are_each_looked_at_once(word: str) -> None:
    """The square of their number would be minutes."""
    tokens = tokenize(f"{word} 1 ")[:-1] * (MANY // len(word.split()))
    assert seconds(lambda: list(statements(tokens))) < 3


@pytest.mark.attack
def test_columns_of_a_new_table_are_each_looked_for_once() -> None:
    columns = ", ".join(f"a{number} varchar(10)" for number in range(MAX_COLUMNS))
    assert seconds(classify, f"create table t ({columns})", NO_BINDS) < 4


@pytest.mark.attack
def test_placeholders_are_counted_once() -> None:
    reader = NameReader(Cursor("a = (" + "?, " * MANY + "?)"), Binds(tuple(range(MANY + 1))))
    assert seconds(reader.options) < 3


@pytest.mark.attack
@pytest.mark.parametrize(
    "text", ["/**/" * 500_000, "/*" * 500_000, "--\n" * 500_000, " " * 2_000_000, "/**/" * 25 + "x"]
)
def test_what_stands_before_a_verb_is_passed_over_once(text: str) -> None:
    """On the event loop: a quarter of a million empty comments, closed or not."""
    assert seconds(transfer_verb, text) < 1


@pytest.mark.attack
@pytest.mark.parametrize(
    "pattern", ["%A" * 500 + "%B", "%" * 4000 + "b", "_%" * 250 + "b", "%a_" * 300, "%" * 1_000_000]
)
def test_like_takes_one_step_a_character(pattern: str) -> None:
    assert seconds(lambda: [like(pattern, "A" * 255) for _ in range(50)]) < 3


@pytest.mark.attack
@pytest.mark.parametrize("text", ["'" + "''" * 400_000, '"' + '""' * 400_000, "$$" + "$a" * 400_000, "@" * 100_000])
def test_literals_that_are_never_closed(text: str) -> None:
    def read() -> None:
        try:
            tokenize(text[: 1 << 19])
        except Exception:  # noqa: BLE001 - refused or not is not what is asked here
            return

    assert seconds(read) < 5
