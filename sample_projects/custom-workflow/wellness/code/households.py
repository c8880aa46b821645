"""Feature engineering: what each household spent on each product in each half of the year, aggregated in SQL."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from snowflake.snowpark import Session
from snowflake.snowpark import functions as F

HOUSEHOLD = "HASHED_EMAIL_SHA256"
FOOD = (
    "GROCERY", "PRODUCE", "MEAT", "MEAT-PCKGD", "DELI", "PASTRY", "SEAFOOD", "SEAFOOD-PCKGD", "NUTRITION", "SALAD BAR",
)  # fmt: skip
SECOND_HALF = "2017-07-01"
FEWEST_VISITS = 5


def spend(session: Session, tables: Mapping[str, str]) -> pd.DataFrame:
    """USD by household, name of the product and half-year (0, 1), of food only; one row each."""
    food = session.table(tables["products"]).filter(
        F.col("DEPARTMENT").isin(*FOOD) & F.col("PRODUCT_TYPE").is_not_null()
    )
    sold = session.table(tables["baskets"]).join(food, on="PRODUCT_ID")
    half = F.iff(F.col("TIMESTAMP") < F.lit(SECOND_HALF), F.lit(0), F.lit(1)).alias("HALF")
    return (
        sold.select(HOUSEHOLD, "PRODUCT_TYPE", half, "SALES_VALUE")
        .group_by(HOUSEHOLD, "PRODUCT_TYPE", "HALF")
        .agg(F.sum("SALES_VALUE").alias("SPENT"))
        .to_pandas()
    )


def regulars(session: Session, tables: Mapping[str, str]) -> set[str]:
    """Households with enough visits in both halves to say something about them."""
    half = F.iff(F.col("TIMESTAMP") < F.lit(SECOND_HALF), F.lit(0), F.lit(1)).alias("HALF")
    visits = (
        session.table(tables["baskets"])
        .select(HOUSEHOLD, "BASKET_ID", half)
        .group_by(HOUSEHOLD, "HALF")
        .agg(F.count_distinct("BASKET_ID").alias("VISITS"))
        .to_pandas()
    )
    often = visits[visits["VISITS"] >= FEWEST_VISITS].groupby(HOUSEHOLD).size()
    return set(often[often == 2].index)


def members(session: Session, tables: Mapping[str, str]) -> set[str]:
    """The households of the programme."""
    return set(session.table(tables["members"]).to_pandas()[HOUSEHOLD])
