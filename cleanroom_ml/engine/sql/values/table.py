"""The functions that a worker has in Python, by the names under which compiled SQL calls them.

They run inside the sandbox, as DuckDB does, and are put into a worker's DuckDB where its statement names them
(warehouse/functions.py). What they raise is the kind of error that the front words (warehouse/failures.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cleanroom_ml.engine.sql.types.fine import TYPES
from cleanroom_ml.engine.sql.values import (
    arrays,
    digests,
    durations,
    flattening,
    floats,
    json_reading,
    json_text,
    moments,
    objects,
    row_matching,
    sketches,
    texts,
)
from cleanroom_ml.engine.sql.values.arrays import NotAnArray
from cleanroom_ml.engine.sql.values.durations import NotAnInterval
from cleanroom_ml.engine.sql.values.json_reading import JsonError
from cleanroom_ml.engine.sql.values.json_text import DuplicateKey
from cleanroom_ml.engine.sql.values.moments import NotAMoment, TooFine
from cleanroom_ml.engine.sql.values.objects import NotAnObject
from cleanroom_ml.engine.sql.values.row_matching import NoSkip, TooManyRows
from cleanroom_ml.engine.sql.values.sketches import NotAState
from cleanroom_ml.engine.sql.values.texts import NotAnAddress, NotAUrl

TEXT: Final = "VARCHAR"
WHOLE: Final = "BIGINT"
TRUTH: Final = "BOOLEAN"
TEXTS: Final = "VARCHAR[]"
BYTES: Final = "BLOB"
ROWS: Final = "STRUCT(s BIGINT, k VARCHAR, p VARCHAR, i BIGINT, v VARCHAR, t VARCHAR)[]"
MATCHED: Final = "STRUCT(n BIGINT, m BIGINT, q BIGINT, c VARCHAR, x BOOLEAN, l BOOLEAN)[]"
ZONED: Final = "STRUCT(w TIMESTAMP, m BIGINT)"
FINE_ZONED: Final = "STRUCT(w TIMESTAMP, m BIGINT, n BIGINT)"
FINE_NTZ: Final = TYPES["NTZ"]
FINE_TIME: Final = TYPES["TIME"]
PARTS: Final = "STRUCT(s BIGINT, i BIGINT, v VARCHAR)[]"


@dataclass(frozen=True, slots=True)
class WorkerFunction:
    """One of them.

    Args:
        name: in SQL, after `_sf_`.
        takes: DuckDB's types of its parameters; one of any number of values takes a list.
        gives: DuckDB's type of what it gives.
        call: the function itself, one row at a time. Raises ValueError.
        nulls: it is called with NULLs too; else one makes its answer NULL.
        once: equal arguments give different answers.
    """

    name: str
    takes: tuple[str, ...]
    gives: str
    call: Callable[..., Any]  # Any: an entry's parameters are those of `takes`
    nulls: bool = False
    once: bool = False


ERRORS: Final[Mapping[type[ValueError], str]] = {
    JsonError: "json",
    DuplicateKey: "duplicatekey",
    NotAnArray: "notanarray",
    NotAnObject: "notanobject",
    NotAState: "state",
    NoSkip: "noskip",
    TooManyRows: "matchedrows",
    NotAMoment: "moment",
    TooFine: "nanoseconds",
    NotAnInterval: "notaninterval",
    NotAUrl: "url",
    NotAnAddress: "ip",
}
"""What they raise → the kind of an error's answer."""


def _of(functions: Iterable[WorkerFunction]) -> Mapping[str, WorkerFunction]:
    return {f"_sf_{function.name}": function for function in functions}


def _parse(text: str) -> str | None:
    return json_reading.parse(text)


def _parse_last(text: str) -> str | None:
    return json_reading.parse(text, duplicates=True)


def _try_parse(text: str) -> str | None:
    return json_reading.try_parse(text)


def _try_parse_last(text: str) -> str | None:
    return json_reading.try_parse(text, duplicates=True)


def _same(text: str) -> str:
    return arrays.same(json_text.read(text))


def _construct(pairs: list[str | None]) -> str:
    return objects.construct(pairs, keep_nulls=False)


def _construct_all(pairs: list[str | None]) -> str:
    return objects.construct(pairs, keep_nulls=True)


TWO: Final = (TEXT, TEXT)
_Reader = Callable[..., Any]  # Any: an entry's call
_READERS: Final[tuple[tuple[str, str, _Reader], ...]] = (
    ("date", "DATE", moments.day),
    ("time", "TIME", moments.day_time),
    ("ntz", "TIMESTAMP", moments.wall),
    ("zoned", ZONED, moments.zoned),
    ("fine_time", FINE_TIME, moments.fine_time),
    ("fine_ntz", FINE_NTZ, moments.fine_wall),
    ("fine_zoned", FINE_ZONED, moments.fine_zoned),
)
"""Text as a date or a moment: the name, what it gives, and the function. Each is there as one that gives NULL for what
is none, too.
"""
FUNCTIONS: Final = _of(
    (
        WorkerFunction("float_digits", ("DOUBLE", WHOLE), TEXT, floats.digits),
        WorkerFunction("interval", (TEXT, TEXT, WHOLE, WHOLE), TEXT, durations.counted),
        WorkerFunction("parse_json", (TEXT,), TEXT, _parse),
        WorkerFunction("parse_json_last", (TEXT,), TEXT, _parse_last),
        WorkerFunction("try_parse_json", (TEXT,), TEXT, _try_parse),
        WorkerFunction("try_parse_json_last", (TEXT,), TEXT, _try_parse_last),
        WorkerFunction("json_once", (TEXT,), TEXT, json_reading.once),
        WorkerFunction("check_json", (TEXT,), TEXT, json_reading.problem),
        WorkerFunction("variant", TWO, TEXT, objects.variant),
        WorkerFunction("variant_text", (TEXT,), TEXT, objects.text),
        WorkerFunction("same", (TEXT,), TEXT, _same),
        WorkerFunction("to_json", (TEXT,), TEXT, objects.to_json),
        WorkerFunction("as_double", (TEXT,), "DOUBLE", objects.double_of),
        WorkerFunction("array_construct", (TEXTS,), TEXT, arrays.construct, nulls=True),
        WorkerFunction("array_append", TWO, TEXT, arrays.append, nulls=True),
        WorkerFunction("array_prepend", TWO, TEXT, arrays.prepend, nulls=True),
        WorkerFunction("array_cat", TWO, TEXT, arrays.concatenate),
        WorkerFunction("array_compact", (TEXT,), TEXT, arrays.compact),
        WorkerFunction("array_construct_compact", (TEXTS,), TEXT, arrays.construct_compact, nulls=True),
        WorkerFunction("array_size", (TEXT,), WHOLE, arrays.size),
        WorkerFunction("array_insert", (TEXT, WHOLE, TEXT), TEXT, arrays.insert, nulls=True),
        WorkerFunction("array_remove", TWO, TEXT, arrays.remove),
        WorkerFunction("array_remove_at", (TEXT, WHOLE), TEXT, arrays.remove_at),
        WorkerFunction("array_contains", TWO, TRUTH, arrays.contains, nulls=True),
        WorkerFunction("array_position", TWO, WHOLE, arrays.position, nulls=True),
        WorkerFunction("array_slice", (TEXT, WHOLE, WHOLE), TEXT, arrays.cut),
        WorkerFunction("array_distinct", (TEXT,), TEXT, arrays.distinct),
        WorkerFunction("array_except", TWO, TEXT, arrays.without),
        WorkerFunction("array_intersection", TWO, TEXT, arrays.intersection),
        WorkerFunction("array_union", (TEXTS,), TEXT, arrays.union),
        WorkerFunction("arrays_overlap", TWO, TRUTH, arrays.overlap),
        WorkerFunction("array_flatten", (TEXT,), TEXT, arrays.flattened),
        WorkerFunction("array_min", (TEXT,), TEXT, arrays.least),
        WorkerFunction("array_max", (TEXT,), TEXT, arrays.greatest),
        WorkerFunction("array_sort", (TEXT, TRUTH, TRUTH), TEXT, arrays.ordered),
        WorkerFunction("array_reverse", (TEXT,), TEXT, arrays.backwards),
        WorkerFunction("array_repeat", (TEXT, WHOLE), TEXT, arrays.repeated),
        WorkerFunction("array_to_string", TWO, TEXT, arrays.joined),
        WorkerFunction("array_generate_range", (WHOLE, WHOLE, WHOLE), TEXT, arrays.numbers),
        WorkerFunction("arrays_zip", (TEXTS,), TEXT, arrays.zipped),
        WorkerFunction("to_array", (TEXT,), TEXT, arrays.as_array),
        WorkerFunction("to_object", (TEXT,), TEXT, objects.as_object),
        WorkerFunction("split", TWO, TEXT, arrays.split),
        WorkerFunction("strtok_to_array", TWO, TEXT, arrays.token_array),
        WorkerFunction("object_construct", (TEXTS,), TEXT, _construct, nulls=True),
        WorkerFunction("object_construct_keep_null", (TEXTS,), TEXT, _construct_all, nulls=True),
        WorkerFunction("object_agg", (TEXTS,), TEXT, objects.gathered),
        WorkerFunction("arrays_to_object", TWO, TEXT, objects.from_arrays),
        WorkerFunction("object_insert", (TEXT, TEXT, TEXT, TRUTH), TEXT, objects.insert, nulls=True),
        WorkerFunction("object_delete", (TEXT, TEXTS), TEXT, objects.delete),
        WorkerFunction("object_pick", (TEXT, TEXTS), TEXT, objects.pick),
        WorkerFunction("object_pick_listed", TWO, TEXT, objects.pick_listed),
        WorkerFunction("object_keys", (TEXT,), TEXT, objects.keys),
        WorkerFunction("get", TWO, TEXT, objects.get),
        WorkerFunction("get_ignore_case", TWO, TEXT, objects.get_ignore_case),
        WorkerFunction("get_path", TWO, TEXT, objects.at_path),
        WorkerFunction("strip_null_value", (TEXT,), TEXT, objects.strip_null),
        WorkerFunction("flatten", (TEXT, TEXT, TRUTH, TRUTH, TEXT), ROWS, flattening.flatten, nulls=True, once=True),
        *(
            WorkerFunction(f"{word}_{name}", (TEXT, TEXT, WHOLE), gives, function)
            for name, gives, call in _READERS
            for word, function in (("parse", call), ("try_parse", moments.tried(call)))
        ),
        *(WorkerFunction(name, (BYTES,), BYTES, texts.digest(name)) for name in ("sha224", "sha384", "sha512")),
        WorkerFunction("hll_state", ("UINTEGER[]",), BYTES, sketches.registers),
        WorkerFunction("hll_count", ("UINTEGER[]",), WHOLE, sketches.count),
        WorkerFunction("hll_combine", ("BLOB[]",), BYTES, sketches.combine),
        WorkerFunction("hll_estimate", (BYTES,), WHOLE, sketches.estimate),
        WorkerFunction("hll_export", (BYTES,), TEXT, sketches.export),
        WorkerFunction("hll_import", (TEXT,), BYTES, sketches.imported),
        WorkerFunction("minhash_combine", (TEXTS,), TEXT, sketches.minhash_combine),
        WorkerFunction("similarity", (TEXTS,), "DOUBLE", sketches.similarity),
        WorkerFunction("percentile_state", ("DOUBLE[]",), TEXT, digests.gathered),
        WorkerFunction("percentile_combine", (TEXTS,), TEXT, digests.combined),
        WorkerFunction("percentile", (TEXT, "DOUBLE"), "DOUBLE", digests.estimate),
        WorkerFunction("top_k_state", (TEXTS, "BIGINT[]", WHOLE), TEXT, sketches.top_k_state),
        WorkerFunction("top_k_combine", (TEXTS, WHOLE), TEXT, sketches.top_k_combine),
        WorkerFunction("top_k_estimate", (TEXT, WHOLE), TEXT, sketches.top_k_estimate),
        WorkerFunction("match_rows", (TEXTS, TEXT), MATCHED, row_matching.matches),
        WorkerFunction("parse_url", (TEXT, TRUTH), TEXT, texts.parse_url),
        WorkerFunction("parse_ip", (TEXT, TEXT, TRUTH), TEXT, texts.parse_ip),
        WorkerFunction("editdistance", TWO, WHOLE, texts.editdistance),
        WorkerFunction("jarowinkler", TWO, WHOLE, texts.jarowinkler),
        WorkerFunction("soundex", (TEXT,), TEXT, texts.soundex),
        WorkerFunction("split_to_table", TWO, PARTS, flattening.split, nulls=True, once=True),
        WorkerFunction("strtok_split_to_table", TWO, PARTS, flattening.split_tokens, nulls=True, once=True),
    )
)
