"""Household features from the retailer's transactions, computed inside the room.

Both jobs build them with the same code, so that the model scores what it was trained on. The heavy part (a year of
baskets) is aggregated in SQL; only one row a household, or a household and department, comes into memory.
"""

from __future__ import annotations

import pandas as pd
from snowflake.snowpark import DataFrame, Session
from snowflake.snowpark import functions as F

HOUSEHOLD = "HASHED_EMAIL_SHA256"
FEATURES_BEFORE = "2017-07-01"  # the label is what happened from this day on


def household_features(session: Session, transactions: str, products: str) -> pd.DataFrame:
    """One row a household that shopped in the first half-year, indexed by its hashed id.

    Columns: spend, trips, items, products, weeks and the three discounts as totals (USD, counts), and the spend in
    each department. Missing departments are 0.
    """
    baskets = session.table(transactions).filter(F.col("TIMESTAMP") < F.to_timestamp(F.lit(FEATURES_BEFORE)))
    totals = baskets.group_by(HOUSEHOLD).agg(
        F.sum("SALES_VALUE").alias("SPEND"),
        F.count_distinct("BASKET_ID").alias("TRIPS"),
        F.sum("QUANTITY").alias("ITEMS"),
        F.count_distinct("PRODUCT_ID").alias("PRODUCTS"),
        F.count_distinct("WEEK").alias("WEEKS"),
        F.sum("RETAIL_DISC").alias("RETAIL_DISCOUNT"),
        F.sum("COUPON_DISC").alias("COUPON_DISCOUNT"),
        F.sum("COUPON_MATCH_DISC").alias("COUPON_MATCH_DISCOUNT"),
    )
    frame = totals.to_pandas().set_index(HOUSEHOLD).sort_index()
    return frame.join(_department_spend(baskets, session.table(products)), how="left").fillna(0.0).astype("float64")


def _department_spend(baskets: DataFrame, products: DataFrame) -> pd.DataFrame:
    """Spend by household (rows) and department (columns `DEPARTMENT: <name>`, in the order of their names)."""
    spend = (
        baskets.join(products, on="PRODUCT_ID")
        .group_by(HOUSEHOLD, "DEPARTMENT")
        .agg(F.sum("SALES_VALUE").alias("SPEND"))
        .to_pandas()
        .dropna(subset=["DEPARTMENT"])
    )
    wide = spend.pivot(index=HOUSEHOLD, columns="DEPARTMENT", values="SPEND").fillna(0.0)
    return wide.rename(columns=lambda department: f"DEPARTMENT: {department}").sort_index(axis=1)
