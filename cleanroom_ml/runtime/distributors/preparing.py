"""From what a script hands to `fit` to rows that a library can be given: found, checked, measured, held."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from .. import events
from ..data import RemoteTable, memory, table_of
from ..data.sources import Memory
from ..data.spool import discard, spool
from .choice import Choice, Costs, Size, Way, choose
from .encoding import check_types, is_category, learn
from .names import ColumnError, find
from .progress import tell
from .rows import Rows, roles
from .scaling import Spread

if TYPE_CHECKING:
    import lightgbm as lgb
    import xgboost as xgb

Booster: TypeAlias = "xgb.Booster | lgb.Booster"
"""The model, of whichever library trained it."""

EvalsResult: TypeAlias = dict[str, dict[str, list[float]]]
"""Metrics by evaluation set and by name, a value a round."""


@dataclass(frozen=True)
class Outcome:
    """The model, and each evaluation set's metrics round by round."""

    booster: Booster
    evals_result: EvalsResult


@dataclass
class Prepared:
    """What a training is given. An evaluation set that is None is the training's own rows."""

    rows: Rows
    evals: list[tuple[Rows | None, str]]
    choice: Choice
    spread: Spread
    _files: list[RemoteTable] = field(default_factory=list)

    def close(self) -> None:
        """Delete the files that were made for this training."""
        for table in self._files:
            discard(table)


@dataclass(frozen=True)
class Wanted:
    """What `fit` was called with."""

    dataset: object
    input_cols: Sequence[str] | str | None
    label_col: str | None
    weight_col: str | None
    eval_set: object


def prepare(
    wanted: Wanted, *, trainer: str, spread: Spread, costs: Costs, naming: Callable[[Sequence[str]], list[str]]
) -> Prepared:
    """Find, check and hold the data of a training.

    Raises:
        TypeError: a dataset is nothing that holds rows.
        ColumnError: a column is missing or of no use, or there are no rows (for every worker).
        NotEnoughMemoryError: it does not fit, in whatever way.
    """
    table = table_of(wanted.dataset)
    found = roles(table, wanted.input_cols, wanted.label_col, wanted.weight_col)
    check_types(table.schema, found.features)
    if table.num_rows < spread.workers:
        raise ColumnError(
            f"the data has {table.num_rows:,} rows and {spread.workers} workers were asked for: each needs one at "
            "least; ask for fewer (num_workers), or leave it at -1"
        )
    columns = [*found.features, found.label, *([found.weight] if found.weight else [])]
    table = table.select(columns)
    others = [
        (None if each is wanted.dataset else _like(table_of(each), columns, name), name)
        for each, name in eval_sets(wanted.eval_set, wanted.dataset)
    ]
    tables = [table, *(other for other, _ in others if other is not None)]
    choice = choose(_size(tables, len(found.features), spread.workers), costs)
    tell(f"{trainer}: {table.num_rows:,} rows × {len(found.features)} features, {choice}; {spread}")
    texts = any(is_category(table.schema.field(column).type) for column in found.features)
    files: list[RemoteTable] = []
    held = [_hold(each, choice.way, spread, texts, files) for each in tables]
    encoding = learn(held[0], found.features, naming(found.features))
    for feature in encoding.features:
        values = 0 if feature.categories is None else len(feature.categories)
        if values > 1000 and values > table.num_rows // 2:
            tell(f"{trainer}: {feature.column} has {values:,} different texts: is it an id?")
    rows = [Rows(each, encoding, found.label, found.weight) for each in held]
    remaining = iter(rows[1:])
    evals = [(None if other is None else next(remaining), name) for other, name in others]
    return Prepared(rows[0], evals, choice, spread, files)


def eval_sets(given: object, dataset: object) -> list[tuple[object, str]]:
    """The evaluation sets and their names: one dataset, a list of them, or of (dataset, name).

    The training's own dataset, given again, is `train`; another is `eval`, several are `eval_0`, `eval_1`, ….
    """
    if given is None:
        return []
    listed: list[object] = list(given) if isinstance(given, (list, tuple)) else [given]
    if len(listed) == 2 and isinstance(given, tuple) and isinstance(listed[1], str):
        listed = [given]
    pairs: list[tuple[object, str | None]] = []
    for each in listed:
        if isinstance(each, tuple) and len(each) == 2 and isinstance(each[1], str):
            pairs.append((each[0], each[1]))
        else:
            pairs.append((each, None))
    strangers = sum(name is None and each is not dataset for each, name in pairs)
    number = 0
    result = []
    for each, name in pairs:
        if name is None and each is dataset:
            name = "train"
        elif name is None:
            name = "eval" if strangers == 1 else f"eval_{number}"
            number += 1
        result.append((each, name))
    if len({name for _, name in result}) < len(result):
        raise ValueError(f"two evaluation sets have the same name: {', '.join(name for _, name in result)}")
    return result


def _like(table: RemoteTable, columns: Sequence[str], name: str) -> RemoteTable:
    """The same columns of an evaluation set, under the names that they have in the training's data."""
    found = [find(column, table.column_names, what=f"the evaluation set {name}") for column in columns]
    if not table.num_rows:
        raise ColumnError(f"the evaluation set {name} is empty")
    for other, column in zip(found, columns, strict=True):
        if other != column:
            raise ColumnError(f"the evaluation set {name} has {other} where the training's data has {column}")
    return table.select(found)


def _size(tables: Sequence[RemoteTable], features: int, workers: int) -> Size:
    held = all(isinstance(source, Memory) for table in tables for source in table.sources())
    missing = not held or any(
        column.null_count for table in tables for batch in table.batches() for column in batch.columns
    )
    rows = sum(table.num_rows for table in tables)
    return Size(rows, features, sum(table.nbytes for table in tables), held, missing, workers)


def _hold(table: RemoteTable, way: Way, spread: Spread, texts: bool, files: list[RemoteTable]) -> RemoteTable:
    """Where the training reads its rows from: memory, files of this job, or (a worker, once) where they are."""
    began = time.monotonic()
    held = all(isinstance(source, Memory) for source in table.sources())
    if way is Way.MEMORY and spread.in_process:
        if held:
            return table
        table = RemoteTable.from_arrow(table.to_arrow())
        what = "read"
    elif held and spread.in_process:
        return table
    elif held or texts or way is not Way.MEMORY:
        spooled = spool(table)
        if spooled is table:
            return table
        files.append(spooled)
        table = spooled
        what = "spool"
    else:
        return table
    seconds = time.monotonic() - began
    if seconds > 1:
        tell(f"{what} {table.num_rows:,} rows, {memory.size(table.nbytes)}  ({seconds:.1f} s)")
    events.emit("stage", name=what, seconds=round(seconds, 3), rows=table.num_rows, bytes=table.nbytes)
    return table
