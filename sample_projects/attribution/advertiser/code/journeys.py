"""From two publishers' logs and the shop's orders to journeys, in SQL: no person's contacts come into memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from snowflake.snowpark import DataFrame, Session, Window
from snowflake.snowpark import functions as F

PERSON = "HASHED_EMAIL_SHA256"
PUBLISHERS = ("streaming", "portal")


def contacts(session: Session, args: Mapping[str, Any]) -> DataFrame:
    """One row a contact that counts: PERSON, PUBLISHER, CHANNEL, COST, ORDERED, AGE_DAYS, and its place in the journey.

    A journey ends with the person's first order, or with the day `until`; it has the contacts of the `lookback_days`
    before its end. PLACE counts from 1, of PLACES.
    """
    until = args["until"]
    logs = [session.table(args[name]).with_column("PUBLISHER", F.lit(name)) for name in PUBLISHERS]
    columns = (PERSON, "TIMESTAMP", "PUBLISHER", "CHANNEL", "COST")
    events = logs[0].select(*columns).union_all(logs[1].select(*columns))
    events = events.filter(F.col("TIMESTAMP") < F.lit(until))
    first_orders = (
        session.table(args["orders"])
        .filter(F.col("TIMESTAMP") < F.lit(until))
        .group_by(PERSON)
        .agg(F.min("TIMESTAMP").alias("ORDER_TIME"))
    )
    end = F.coalesce(F.col("ORDER_TIME"), F.to_timestamp(F.lit(until)))
    age = F.datediff("second", F.col("TIMESTAMP"), end) / F.lit(86400)
    journey = Window.partition_by(PERSON)
    return (
        events.join(first_orders, on=PERSON, how="left")
        .with_column("AGE_DAYS", age)
        .filter((F.col("AGE_DAYS") >= 0) & (F.col("AGE_DAYS") <= int(args["lookback_days"])))
        .select(
            PERSON,
            "PUBLISHER",
            "CHANNEL",
            "COST",
            "AGE_DAYS",
            F.col("ORDER_TIME").is_not_null().alias("ORDERED"),
            F.row_number().over(journey.order_by(F.col("AGE_DAYS").desc(), "CHANNEL")).alias("PLACE"),
            F.count("*").over(journey).alias("PLACES"),
        )
    )


def paths(journeys: DataFrame) -> pd.DataFrame:
    """How many journeys took each path (`video > search`), ORDERED or not: PATH, ORDERED, JOURNEYS."""
    by_person = journeys.group_by(PERSON, "ORDERED").agg(
        F.listagg("CHANNEL", " > ").within_group(F.col("PLACE")).alias("PATH")
    )
    counted = by_person.group_by("PATH", "ORDERED").agg(F.count("*").alias("JOURNEYS"))
    return counted.to_pandas().sort_values(["PATH", "ORDERED"], ignore_index=True)


def totals(journeys: DataFrame) -> pd.DataFrame:
    """Each channel's PUBLISHER, CONTACTS, SPEND and in how many ordering journeys it is, by channel."""
    ordering = F.iff(F.col("ORDERED"), F.col(PERSON), F.lit(None))
    counted = journeys.group_by("CHANNEL", "PUBLISHER").agg(
        F.count("*").alias("CONTACTS"),
        F.sum("COST").alias("SPEND"),
        F.count_distinct(ordering).alias("ORDERING_JOURNEYS"),
    )
    return counted.to_pandas().set_index("CHANNEL").sort_index()


def rules(journeys: DataFrame, half_life_days: int) -> pd.DataFrame:
    """Orders by the methods that look at a contact's place or age only, by channel."""
    place, places = F.col("PLACE"), F.col("PLACES")
    at_an_end = (place == 1) | (place == places)
    position = F.when(places <= 2, 1 / places).when(at_an_end, F.lit(0.4)).otherwise(F.lit(0.2) / (places - 2))
    weight = F.pow(F.lit(0.5), F.col("AGE_DAYS") / half_life_days)
    share = weight / F.sum(weight).over(Window.partition_by(PERSON))
    credits = journeys.filter(F.col("ORDERED")).select(
        "CHANNEL",
        F.iff(place == 1, F.lit(1.0), F.lit(0.0)).alias("FIRST_TOUCH"),
        F.iff(place == places, F.lit(1.0), F.lit(0.0)).alias("LAST_TOUCH"),
        position.alias("POSITION_BASED"),
        share.alias("TIME_DECAY"),
    )
    methods = ("FIRST_TOUCH", "LAST_TOUCH", "POSITION_BASED", "TIME_DECAY")
    summed = credits.group_by("CHANNEL").agg(*(F.sum(method).alias(method) for method in methods))
    return summed.to_pandas().set_index("CHANNEL").sort_index().astype("float64")
