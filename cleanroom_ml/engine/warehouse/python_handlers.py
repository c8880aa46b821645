"""A party's functions in Python, loaded and called (runs inside their own sandbox, and nowhere else).

Source: developer-guide/udf/python/udf-python-creating, -batch, -tabular-functions and -aggregate-functions.
"""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import pyarrow as pa

from cleanroom_ml.engine.sql.types.sql_type import SqlType, parse_type
from cleanroom_ml.engine.warehouse import python_frames as frames
from cleanroom_ml.engine.warehouse import python_pandas
from cleanroom_ml.engine.warehouse.python_signature import Signature
from cleanroom_ml.engine.warehouse.python_values import Plain, arrow_type, given, taken

FILE: Final = "_udf_code.py"
"""What the body of a function is called in a traceback, as on the service."""


class Function:
    """One function. Its body runs when it is made.

    Args:
        signature: its types.
        handler: what is called: a name in the body, or `module.name` in what is imported.
        body: its source; empty where all of it is imported.
    """

    def __init__(self, signature: Signature, handler: str, body: str, *, strict: bool, zone: str) -> None:
        self._signature = signature
        self._types = [parse_type(name) for name in signature["parameters"]]
        self._strict = strict
        self._zone = zone
        self._handler = loaded(handler, body)

    def __call__(self, columns: list[pa.Array]) -> pa.Array:
        """What it gives for some rows. Raises whatever a party's code raises."""
        signature = self._signature
        if signature["aggregate"]:
            return self._aggregated(columns[0])
        if signature["partitioned"]:
            return self._partitions(columns[0])
        if signature["returns"] is None:
            return self._tables(columns)
        returns = parse_type(signature["returns"])
        if getattr(self._handler, "_sf_vectorized_input", None) is not None:
            return self._vectorized(columns, returns)
        handler = self._handler
        made = [None if self._skips(row) else handler(*row) for row in self._rows(columns)]
        return taken(made, returns, self._zone)

    def _rows(self, columns: Sequence[pa.Array]) -> Iterator[tuple[Plain, ...]]:
        if not self._types:
            return iter([()] * len(columns[0]))
        values = [given(column, found, self._zone) for column, found in zip(columns, self._types, strict=True)]
        return zip(*values, strict=True)

    def _skips(self, row: tuple[Plain, ...]) -> bool:
        return self._strict and any(value is None or getattr(value, "is_sql_null", False) for value in row)

    def _vectorized(self, columns: list[pa.Array], returns: SqlType) -> pa.Array:
        most = getattr(self._handler, "_sf_max_batch_size", None) or len(columns[0])
        if not self._types:
            most = 1  # there is nothing that its batches could be made of
        made: list[Plain] = []
        for start in range(0, len(columns[0]), most):
            part = [column.slice(start, most) for column in columns]
            frame = python_pandas.frame(part, self._types, self._zone)
            found = python_pandas.values(self._handler(frame))
            if len(found) != len(part[0]):
                raise ValueError(f"{len(found)} values were returned for {len(part[0])} rows")
            made += found
        return taken(made, returns, self._zone)

    def _tables(self, columns: list[pa.Array]) -> pa.Array:
        """Each row is a partition of its own: nothing says which rows are one."""
        declared = frames.columns_of(self._signature)
        tables: list[list[Plain]] = []
        for place, row in enumerate(self._rows(columns)):
            instance = self._handler()
            given_row = [column.slice(place, 1) for column in columns]
            rows: list[Plain] = []
            if self._skips(row):
                rows.append((None,) * len(declared))
            elif self._gets_frames():
                rows += self._processed(instance, given_row)
            elif hasattr(instance, "process"):
                rows += _yielded(instance.process(*row))
            rows += self._ended(instance, given_row)
            tables.append(rows)
        return self._listed(tables, declared)

    def _gets_frames(self) -> bool:
        """Whether `process` takes a DataFrame (developer-guide/udf/python/udf-python-tabular-vectorized)."""
        return getattr(getattr(self._handler, "process", None), "_sf_vectorized_input", None) is not None

    def _frame(self, columns: Sequence[pa.Array]) -> Plain:
        """Rows as the DataFrame of a table function: its columns have the names of the arguments."""
        frame = python_pandas.frame(columns[: len(self._types)], self._types, self._zone)
        frame.columns = self._signature["names"]
        return frame

    def _processed(self, instance: Plain, columns: list[pa.Array]) -> list[Plain]:
        """What a vectorized `process` gives: a row for each row."""
        most = getattr(self._handler.process, "_sf_max_batch_size", None) or max(1, len(columns[0]))
        rows: list[Plain] = []
        for start in range(0, len(columns[0]), most):
            part = [column.slice(start, most) for column in columns]
            made = python_pandas.rows(instance.process(self._frame(part)))
            if len(made) != len(part[0]):
                raise ValueError(f"{len(made)} rows were returned for {len(part[0])} rows")
            rows += made
        return rows

    def _ended(self, instance: Plain, columns: list[pa.Array]) -> list[Plain]:
        """What `end_partition` gives, where there is one; a vectorized one gets all rows of the partition."""
        if not hasattr(instance, "end_partition"):
            return []
        if getattr(self._handler.end_partition, "_sf_vectorized_input", None) is None:
            found = instance.end_partition()
            if not self._gets_frames():
                return _yielded(found)
            frames_given = found if isinstance(found, types.GeneratorType) else [found]
            return [row for each in frames_given for row in python_pandas.rows(each)]
        return python_pandas.rows(instance.end_partition(self._frame(columns)))

    def _partitions(self, groups: pa.ListArray) -> pa.Array:
        """The rows of each partition go to one instance; what `end_partition` gives is of no row."""
        tables: list[list[Plain]] = []
        places: list[int | None] = []
        width = len(self._signature["columns"])
        for place in range(len(groups)):
            instance = self._handler()
            rows: list[Plain] = []
            members = _members(groups, place)
            if self._gets_frames():
                rows += self._processed(instance, members)
                places += range(1, len(rows) + 1)
            elif hasattr(instance, "process"):
                for number, row in enumerate(self._rows(members), start=1):
                    made = [(None,) * width] if self._skips(row) else _yielded(instance.process(*row))
                    rows += made
                    places += [number] * len(made)
            ended = self._ended(instance, members)
            rows += ended
            places += [None] * len(ended)
            tables.append(rows)
        return self._listed(tables, frames.columns_of(self._signature), pa.array(places, pa.int64()))

    def _listed(self, tables: list[list[Plain]], declared: list[SqlType], places: pa.Array | None = None) -> pa.Array:
        flat = [_tuple(row, len(declared)) for rows in tables for row in rows]
        parts = [
            taken([row[place] for row in flat], found, self._zone) if flat else pa.array([], arrow_type(found))
            for place, found in enumerate(declared)
        ]
        names = [f"c{place}" for place in range(len(parts))]
        if places is not None:
            parts, names = [places, *parts], ["i", *names]
        members = pa.StructArray.from_arrays(parts, names=names)
        ends = [0]
        for rows in tables:
            ends.append(ends[-1] + len(rows))
        return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), members)

    def _aggregated(self, groups: pa.ListArray) -> pa.Array:
        made = []
        for place in range(len(groups)):
            instance = self._handler()
            for row in self._rows(_members(groups, place)):
                if not self._skips(row):
                    instance.accumulate(*row)
            made.append(instance.finish())
        return taken(made, parse_type(self._signature["returns"] or ""), self._zone)


def install(directory: str, names: Iterable[str]) -> None:
    """What is imported can be: modules by their names, packages out of archives, files at the documented place."""
    sys.path.insert(0, directory)
    sys._xoptions["snowflake_import_directory"] = f"{directory}/"
    for name in names:
        if name.endswith((".zip", ".whl", ".egg")):
            sys.path.insert(0, f"{directory}/{name}")
    module = types.ModuleType("_snowflake")
    module.vectorized = _vectorized  # type: ignore[attr-defined]  # what handlers import from it
    sys.modules["_snowflake"] = module


def _vectorized(input: Plain = None, max_batch_size: int | None = None, **_: object) -> Callable[[Plain], Plain]:
    """`_snowflake.vectorized` (developer-guide/udf/python/udf-python-batch)."""

    def mark(handler: Plain) -> Plain:
        handler._sf_vectorized_input = input
        handler._sf_max_batch_size = max_batch_size
        return handler

    return mark


def loaded(handler: str, body: str) -> Plain:
    if not body:
        module, _, name = handler.rpartition(".")
        return getattr(importlib.import_module(module), name)
    module_of_body = types.ModuleType("_udf_code")
    sys.modules["_udf_code"] = module_of_body  # dataclasses and pickle look their module up
    exec(compile(body, FILE, "exec"), module_of_body.__dict__)
    found: Plain = module_of_body
    for part in handler.split("."):
        found = getattr(found, part)
    return found


def _members(groups: pa.ListArray, place: int) -> list[pa.Array]:
    """The arguments of all rows of one group or partition."""
    members = groups.slice(place, 1).flatten()
    return [members.field(number) for number in range(members.type.num_fields)]


def _yielded(found: Plain) -> list[Plain]:
    """The rows that a method gave; the first None ends them."""
    rows: list[Plain] = []
    for row in () if found is None else found:
        if row is None:
            break
        rows.append(row)
    return rows


def _tuple(row: Plain, width: int) -> tuple[Plain, ...]:
    made = tuple(row) if isinstance(row, tuple | list) else (row,)
    if len(made) != width:
        raise ValueError(f"a row of {len(made)} values was returned, {width} columns are declared")
    return made
