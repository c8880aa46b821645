"""Numbers of a sequence are given once (user-guide/querying-sequences): a gap is allowed, a number twice is not."""

from __future__ import annotations

import pytest

from cleanroom_ml.engine.storage.errors import NotFound
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.engine.storage.sequences import LARGEST, SMALLEST, Exhausted
from cleanroom_ml.engine.storage.storage import Storage


@pytest.mark.parametrize(("start", "step", "taken"), [(1, 1, [1, 2, 5]), (10, -5, [10, 5, -10]), (0, 3, [0, 3, 12])])
def test_each_takes_what_is_next(storage: Storage, key: Key, start: int, step: int, taken: list[int]) -> None:
    storage.sequences.create(key, start=start, step=step)
    assert [storage.sequences.take(key, count).first for count in (1, 3, 1)] == taken
    storage.sequences.alter(key, step=7)
    found = storage.sequences.get(key)
    assert found is not None
    assert found.next == taken[-1] + step
    assert [storage.sequences.take(key, 1).first for _ in range(2)] == [found.next, found.next + 7]


@pytest.mark.parametrize(("last", "step"), [(LARGEST, 1), (SMALLEST, -1)])
def test_a_number_that_64_bits_do_not_hold_is_never_given(storage: Storage, key: Key, last: int, step: int) -> None:
    storage.sequences.create(key, start=last - 5 * step, step=step)
    with pytest.raises(Exhausted):
        storage.sequences.take(key, 6)
    assert storage.sequences.take(key, 5).first == last - 5 * step
    for count in (1, None):
        with pytest.raises(Exhausted):
            storage.sequences.take(key, count)


def test_what_a_statement_did_not_use_is_had_back_if_nobody_was_later(storage: Storage, key: Key) -> None:
    storage.sequences.create(key)
    taken = storage.sequences.take(key, None)
    assert not storage.sequences.give_back(taken, taken.count), "all of it is used"
    assert storage.sequences.give_back(taken, 3)
    assert not storage.sequences.give_back(taken, 3), "once"
    assert storage.sequences.take(key, 2).first == 4
    late = storage.sequences.take(key, 10)
    assert storage.sequences.take(key, 1).first == 16
    assert not storage.sequences.give_back(late, 0), "somebody has the numbers after it"
    assert storage.sequences.take(key, 1).first == 17


def test_numbers_of_nothing_are_not_there(storage: Storage, key: Key) -> None:
    with pytest.raises(NotFound):
        storage.sequences.take(key, 1)
    with pytest.raises(NotFound):
        storage.sequences.alter(key, ordered=True)
