"""What was known about a household on a day, and whether it bought the brand in the quarter from that day on.

One day gives one snapshot; training, test and scoring use the same code with other days, so nothing of the future gets
into a feature. The year of baskets is aggregated in SQL: one row a household, or household and department, comes out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import pandas as pd
from snowflake.snowpark import Column, DataFrame, Session
from snowflake.snowpark import functions as F

HOUSEHOLD = "HASHED_EMAIL_SHA256"
HISTORY_DAYS = 90
QUARTER_DAYS = 91
BRAND_FEATURES = ("CAMPAIGNS", "LAST_CAMPAIGN_DAYS", "AGE_FROM", "INCOME_FROM_THOUSANDS", "HOUSEHOLD_SIZE", "KIDS")


def snapshot(session: Session, tables: Mapping[str, str], day: date) -> pd.DataFrame:
    """Features of the households that shopped in the 90 days before `day`, indexed by their hashed id, in its order.

    Spend in USD, shares of the spend by department, days since the last visit; what is missing for a household that
    the brand does not know stays missing.
    """
    baskets = _between(session.table(tables["transactions"]), day - timedelta(HISTORY_DAYS), day)
    brand = session.table(tables["assortment"]).select("PRODUCT_ID").distinct().with_column("OF_BRAND", F.lit(True))
    marked = baskets.join(brand, on="PRODUCT_ID", how="left")
    of_brand = F.equal_null("OF_BRAND", F.lit(True))
    frame = marked.group_by(HOUSEHOLD).agg(
        F.sum("SALES_VALUE").alias("SPEND"),
        F.count_distinct("BASKET_ID").alias("TRIPS"),
        F.sum("QUANTITY").alias("ITEMS"),
        F.sum("RETAIL_DISC").alias("RETAIL_DISCOUNT"),
        F.sum("COUPON_DISC").alias("COUPON_DISCOUNT"),
        _days_since(F.max("TIMESTAMP"), day).alias("LAST_VISIT_DAYS"),
        F.sum(F.iff(of_brand, F.col("SALES_VALUE"), F.lit(0.0))).alias("BRAND_SPEND"),
        F.count_distinct(F.iff(of_brand, F.col("BASKET_ID"), F.lit(None))).alias("BRAND_TRIPS"),
        _days_since(F.max(F.iff(of_brand, F.col("TIMESTAMP"), F.lit(None))), day).alias("BRAND_LAST_DAYS"),
    )
    features = frame.to_pandas().set_index(HOUSEHOLD).sort_index().astype("float64")
    shares = _department_shares(baskets, session.table(tables["products"]), features["SPEND"])
    return features.join(shares).join(_known_to_the_brand(session, tables, day))


def buyers(session: Session, tables: Mapping[str, str], day: date) -> set[str]:
    """The households that bought the brand in the quarter that begins on `day`."""
    sales = _between(session.table(tables["transactions"]), day, day + timedelta(QUARTER_DAYS))
    found = sales.join(session.table(tables["assortment"]), on="PRODUCT_ID").select(HOUSEHOLD).distinct()
    return set(found.to_pandas()[HOUSEHOLD])


def _between(transactions: DataFrame, first: date, end: date) -> DataFrame:
    when = F.col("TIMESTAMP")
    return transactions.filter((when >= F.lit(first.isoformat())) & (when < F.lit(end.isoformat())))


def _days_since(when: Column, day: date) -> Column:
    return F.datediff("day", when, F.to_date(F.lit(day.isoformat())))


def _department_shares(baskets: DataFrame, products: DataFrame, spend: pd.Series) -> pd.DataFrame:
    by_department = (
        baskets.join(products, on="PRODUCT_ID")
        .filter(F.col("DEPARTMENT").is_not_null())
        .group_by(HOUSEHOLD, "DEPARTMENT")
        .agg(F.sum("SALES_VALUE").alias("SPENT"))
        .to_pandas()
    )
    wide = by_department.pivot(index=HOUSEHOLD, columns="DEPARTMENT", values="SPENT").add_prefix("SHARE: ")
    return wide.reindex(spend.index).fillna(0.0).div(spend.clip(lower=0.01), axis=0).astype("float64")


def _known_to_the_brand(session: Session, tables: Mapping[str, str], day: date) -> pd.DataFrame:
    sent = session.table(tables["contacts"]).filter(F.col("TIMESTAMP") < F.lit(day.isoformat()))
    campaigns = sent.group_by(HOUSEHOLD).agg(
        F.count("*").alias("CAMPAIGNS"), _days_since(F.max("TIMESTAMP"), day).alias("LAST_CAMPAIGN_DAYS")
    )
    members = session.table(tables["members"]).to_pandas().set_index(HOUSEHOLD)
    return members.join(campaigns.to_pandas().set_index(HOUSEHOLD), how="outer").astype("float64")
