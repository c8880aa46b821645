"""Other forms of the same answers, at random: what a target that nobody here has seen may answer and still be right.

service-behaviour, "Shapes of answers": names come in either case, arrays as text, columns in an order that nobody has
promised, beside others that are new; and an account has requests, rooms and activations of which a flow knows nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any

from stand_in_values import Rows

Cells = list[list[Any]]
_TIMES = "timestamp_ltz"
_LISTS = ("array", "object", "variant")
# What is one name whatever its case: unquoted identifiers, ids made of them, words of the clean room.
_FOLDED = frozenset(
    {"STATUS", "TYPE", "COLLABORATOR_ACCOUNT", "OWNER_ACCOUNT", "COLLABORATOR_NAME", "SHARED_BY", "TEMPLATE_ID",
     "DATA_OFFERING_ID", "CODE_SPEC_ID", "CONFIGURATION"}
)  # fmt: skip
# Where a row more is somebody else's business: by a column that only this answer has, what such a row says.
_OTHERS: tuple[tuple[str, dict[str, object]], ...] = (
    ("APPROVAL_LOG", {"ID": "request_of_others", "TYPE": "Reorganize Everything", "STATUS": "WAITING_FOR_WEATHER"}),
    ("SOURCE_NAME", {"SOURCE_NAME": "other", "OWNER_ACCOUNT": "UMBRELLA.CORP"}),
    ("BATCH_ID", {"SEGMENT_NAME": "s", "BATCH_ID": "b", "STATUS": "TELEPORTING", "SHARED_BY": "x", "SHARED_WITH": "y"}),
    ("ACTIVITY_ID", {"ACTIVITY_ID": "a", "STATUS": "ERROR", "ANALYSIS_RUNNER_ALIAS": "x"}),
    ("TEMPLATE_SPEC", {"TEMPLATE_ID": "other_V9", "SHARED_BY": "x"}),
    ("CODE_SPEC", {"CODE_SPEC_ID": "other_V9", "SHARED_BY": "x"}),
    ("TEMPLATE_VIEW_NAME", {"TEMPLATE_VIEW_NAME": "x.o_V1.t", "SHARED_BY": "x", "DATA_OFFERING_ID": "o_V1"}),
    ("COLLABORATOR_NAME", {"COLLABORATOR_NAME": "x", "COLLABORATOR_ACCOUNT": "A.B", "STATUS": "MEDITATING"}),
)


@dataclass
class Forms:
    """Says every answer of a procedure in another form; the same ones for the same seed."""

    random: Random

    def __call__(self, sql: str, rows: Rows) -> Rows:
        if not sql.startswith("CALL "):
            return self._more_columns(rows) if sql.startswith(("SHOW ", "DESC")) else rows
        for change in (self._others, self._cased, self._kinds, self._more_columns, self._ordered, self._names):
            if self.random.random() < 0.7:
                rows = change(rows)
        return rows

    def _others(self, rows: Rows) -> Rows:
        names = [name.upper() for name, _ in rows.columns]
        for column, said in _OTHERS:
            if column in names:
                more = tuple(said.get(name) for name in names)
                found = [*rows.values, more]
                self.random.shuffle(found)
                return Rows(rows.columns, tuple(found))
        return rows

    def _cased(self, rows: Rows) -> Rows:
        change = self.random.choice((str.upper, str.lower, str))

        def cell(name: str, value: object) -> object:
            return change(value) if name.upper() in _FOLDED and isinstance(value, str) else value

        names = [name for name, _ in rows.columns]
        return Rows(rows.columns, tuple(tuple(map(cell, names, row)) for row in rows.values))

    def _kinds(self, rows: Rows) -> Rows:
        """Arrays, objects and times as another type, or as one of their texts."""
        columns, cells = list(rows.columns), [list(row) for row in rows.values]
        for at, (name, kind) in enumerate(rows.columns):
            values = [row[at] for row in cells]
            if kind in _LISTS or any(isinstance(each, list | dict) for each in values):
                columns[at], write = (name, self.random.choice(("variant", "array", "object"))), _same
                if self.random.random() < 0.7:
                    columns[at], write = (name, "text"), self.random.choice(_TEXTS)
            elif kind == _TIMES:
                columns[at], write = (name, "text"), self.random.choice(_MOMENTS)
            else:
                continue
            for row in cells:
                row[at] = None if row[at] is None else write(row[at])
        return Rows(tuple(columns), tuple(map(tuple, cells)))

    def _more_columns(self, rows: Rows) -> Rows:
        """New ones after those that are known."""
        more = (("region_group", "text"), ("IS_PREVIEW", "boolean"), ("hints", "variant"))
        values = tuple((*row, None, True, {"a": [1]}) for row in rows.values)
        return Rows((*rows.columns, *more), values)

    def _ordered(self, rows: Rows) -> Rows:
        """In another order, but for what is the only column of an answer: that stays the first."""
        if sum(name not in ("region_group", "IS_PREVIEW", "hints") for name, _ in rows.columns) < 2:
            return rows
        order = self.random.sample(range(len(rows.columns)), len(rows.columns))
        values = tuple(tuple(row[at] for at in order) for row in rows.values)
        return Rows(tuple(rows.columns[at] for at in order), values)

    def _names(self, rows: Rows) -> Rows:
        change: Callable[[str], str] = self.random.choice((str.upper, str.lower, str.title))
        return Rows(tuple((change(name), kind) for name, kind in rows.columns), rows.values)


def _same(value: Any) -> Any:
    return value


def _commas(value: Any) -> Any:
    return ", ".join(map(str, value)) if _of_words(value) else json.dumps(value)


def _of_words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


_TEXTS: tuple[Callable[[Any], Any], ...] = (
    json.dumps,
    lambda value: json.dumps(value, indent=2),
    _commas,
    lambda value: str(value) if _of_words(value) else json.dumps(value),
)


def _moment(form: str, zone: timezone = UTC) -> Callable[[Any], str]:
    return lambda value: datetime.fromtimestamp(value, zone).strftime(form)


_MOMENTS = (
    _moment("%Y-%m-%d %H:%M:%S.%f %z", timezone(timedelta(hours=-8))),
    _moment("%Y-%m-%dT%H:%M:%S.%fZ"),
    _moment("%Y-%m-%dT%H:%M:%S.%f+00:00"),
    _moment("%Y-%m-%d %H:%M:%S.%f"),
    _moment("%a, %d %b %Y %H:%M:%S %z"),
)
