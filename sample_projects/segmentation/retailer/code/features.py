"""How recently, how often and for how much a household shops, and what its spend goes to."""

from __future__ import annotations

from datetime import date

import pandas as pd
from snowflake.snowpark import Session
from snowflake.snowpark import functions as F

HOUSEHOLD = "HASHED_EMAIL_SHA256"
RFM = ["RECENCY", "FREQUENCY", "MONETARY"]


def household_features(session: Session, sales: str, departments: str, until: date) -> pd.DataFrame:
    """One row a household that bought something before `until`, indexed and ordered by its hashed id.

    RECENCY in days, FREQUENCY in baskets, MONETARY in USD, and one column a department that at least half of the
    households buy in: its share of the household's spend, 0 to 1. Refunds can make spend negative: those households
    are left out.
    """
    lines = session.table(sales).filter(F.col("TIMESTAMP") < F.lit(until.isoformat()))
    rfm = lines.group_by(HOUSEHOLD).agg(
        F.datediff("day", F.max("TIMESTAMP"), F.to_date(F.lit(until.isoformat()))).alias("RECENCY"),
        F.count_distinct("BASKET_ID").alias("FREQUENCY"),
        F.sum("SALES_VALUE").alias("MONETARY"),
    )
    households = rfm.filter(F.col("MONETARY") > 0).to_pandas().set_index(HOUSEHOLD).astype("float64").sort_index()
    spent = (
        lines.join(session.table(departments), on="PRODUCT_ID")
        .group_by(HOUSEHOLD, "DEPARTMENT")
        .agg(F.sum("SALES_VALUE").alias("SPENT"))
        .to_pandas()
    )
    wide = spent.pivot(index=HOUSEHOLD, columns="DEPARTMENT", values="SPENT").reindex(households.index).fillna(0.0)
    common = wide.loc[:, (wide > 0).mean() >= 0.5]
    return households.join(common.div(households["MONETARY"], axis=0).astype("float64"))
