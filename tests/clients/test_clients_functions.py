"""Unmodified Snowpark registers functions: `session.udf`, `udtf`, `udaf`, and a file (developer-guide/snowpark/python,
creating-udfs, creating-udtfs and creating-udafs). What it sends is pickled: that is read in their sandbox alone.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from snowflake.snowpark import Row, Session
from snowflake.snowpark import functions as F
from snowflake.snowpark.exceptions import SnowparkSQLException
from snowflake.snowpark.types import (
    FloatType,
    IntegerType,
    PandasSeriesType,
    StringType,
    StructField,
    StructType,
)

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]


def test_functions_of_a_script_are_registered_and_called(session: Session, tmp_path: Path) -> None:
    frame = session.create_dataframe([(1, "a b"), (2, "c"), (None, None)], schema=["n", "t"])
    plus = session.udf.register(lambda n: None if n is None else n + 1, IntegerType(), [IntegerType()])
    assert frame.select(plus("n")).collect() == [Row(2), Row(3), Row(None)]

    table = {n: n * n for n in range(3000)}  # more than is sent inline: it goes by a stage
    squared = session.udf.register(lambda n: table.get(n), IntegerType(), [IntegerType()], name="squared", replace=True)
    assert frame.select(squared(F.col("n"))).collect() == [Row(1), Row(4), Row(None)]
    assert session.sql("SELECT squared(7)").collect() == [Row(49)]

    twice = session.udf.register(
        lambda column: column * 2,
        PandasSeriesType(FloatType()),
        [PandasSeriesType(FloatType())],
    )
    assert session.create_dataframe([[1.5]], schema=["x"]).select(twice("x")).collect() == [Row(3.0)]

    class Words:
        def process(self, text: str):  # type: ignore[no-untyped-def]  # Snowpark asks for Iterable[tuple]
            for place, word in enumerate((text or "").split()):
                yield (word, place)

    words = session.udtf.register(
        Words,
        output_schema=StructType([StructField("WORD", StringType()), StructField("PLACE", IntegerType())]),
        input_types=[StringType()],
    )
    assert frame.join_table_function(words("t")).select("N", "WORD", "PLACE").sort("N", "PLACE").collect() == [
        Row(1, "a", 0),
        Row(1, "b", 1),
        Row(2, "c", 0),
    ]

    class Total:
        def __init__(self) -> None:
            self.total = 0

        @property
        def aggregate_state(self) -> int:
            return self.total

        def accumulate(self, value: int) -> None:
            self.total += value or 0

        def merge(self, other: int) -> None:
            self.total += other

        def finish(self) -> int:
            return self.total

    total = session.udaf.register(Total, return_type=IntegerType(), input_types=[IntegerType()])
    assert frame.agg(total("n")).collect() == [Row(3)]

    (tmp_path / "module_of_mine.py").write_text("def shout(text: str) -> str:\n    return text.upper() + '!'\n")
    shout = session.udf.register_from_file(
        str(tmp_path / "module_of_mine.py"), "shout", return_type=StringType(), input_types=[StringType()]
    )
    assert session.create_dataframe([["hi"]], schema=["x"]).select(shout("x")).collect() == [Row("HI!")]

    fails = session.udf.register(lambda n: 1 // n, IntegerType(), [IntegerType()])
    with pytest.raises(SnowparkSQLException, match="ZeroDivisionError"):
        session.create_dataframe([[0]], schema=["x"]).select(fails("x")).collect()
    assert isinstance(frame.to_pandas(), pd.DataFrame)
