"""Load one party's Parquet files into its account: `python load.py network` (or `shop`)."""

from __future__ import annotations

from cleanroom_ml.local.sample_tables import SampleTable, load_script

COUNTS = (
    "VISITS_NEWS", "VISITS_SPORT", "VISITS_TRAVEL", "VISITS_HOME", "VISITS_FOOD", "VISITS_FINANCE", "VISITS_CULTURE",
    "VISITS_SCIENCE", "ADS_SEEN", "ADS_CLICKED", "DAYS_SINCE_VISIT", "MINUTES_A_VISIT", "MOBILE_SHARE", "EVENING_SHARE",
)  # fmt: skip

TABLES = {
    "network": (
        SampleTable(
            "NETWORK_DB.PUBLIC.READERS",
            ", ".join(["HASHED_EMAIL VARCHAR", *(f"{name} FLOAT" for name in COUNTS)]),
        ),
    ),
    "shop": (SampleTable("SHOP_DB.PUBLIC.ORDERS", "HASHED_EMAIL VARCHAR"),),
}

if __name__ == "__main__":
    load_script(TABLES, __file__)
