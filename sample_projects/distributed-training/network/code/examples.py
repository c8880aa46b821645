"""One row a reader, with what the shop knows: did they order? Made in SQL, kept in the room."""

from __future__ import annotations

from collections.abc import Mapping

from snowflake.snowpark import DataFrame, Session
from snowflake.snowpark import functions as F

READER = "HASHED_EMAIL_SHA256"
LABEL = "ORDERED"
PART = "PART"
TABLE = "cleanroom.distributed_examples"

TRAINING, STOPPING, TESTING = range(8), (8,), (9,)
"""Tenths of the readers, by a hash of their address: always the same ones, whoever asks in whatever order."""


def build(session: Session, tables: Mapping[str, str]) -> list[str]:
    """Write the examples to the room; the names of their features."""
    readers = session.table(tables["readers"])
    ordered = session.table(tables["orders"]).select(READER).distinct().with_column(LABEL, F.lit(1))
    examples = readers.join(ordered, on=READER, how="left").na.fill({LABEL: 0})
    examples = examples.with_column(PART, F.abs(F.hash(F.col(READER))) % 10)
    examples.write.save_as_table(TABLE, mode="overwrite")
    return sorted(set(readers.columns) - {READER})


def part(session: Session, tenths: range | tuple[int, ...], columns: list[str]) -> DataFrame:
    """The rows of these tenths."""
    return session.table(TABLE).filter(F.col(PART).isin(*tenths)).select(*columns)


def scales(session: Session, features: list[str]) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of each feature over the training rows, computed in SQL."""
    asked = [f(F.col(name)).alias(f"{prefix}_{name}") for name in features for prefix, f in _MOMENTS.items()]
    row = part(session, TRAINING, features).agg(*asked).collect()[0]
    return {name: (float(row[f"MEAN_{name}"]), float(row[f"SPREAD_{name}"]) or 1.0) for name in features}


_MOMENTS = {"MEAN": F.avg, "SPREAD": F.stddev}
