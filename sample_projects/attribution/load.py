"""Load one party's Parquet files into its account: `python load.py streaming` (or `portal`, or `advertiser`)."""

from __future__ import annotations

from cleanroom_ml.local.sample_tables import SampleTable, load_script

AD_EVENTS = "HASHED_EMAIL VARCHAR, EVENT_TIME TIMESTAMP_NTZ, EVENT_TYPE VARCHAR, CHANNEL VARCHAR, COST FLOAT"
TABLES = {
    "streaming": (SampleTable("ADS_DB.PUBLIC.AD_EVENTS", AD_EVENTS),),
    "portal": (SampleTable("ADS_DB.PUBLIC.AD_EVENTS", AD_EVENTS),),
    "advertiser": (
        SampleTable("SHOP_DB.PUBLIC.ORDERS", "HASHED_EMAIL VARCHAR, ORDER_TIME TIMESTAMP_NTZ, ORDER_VALUE FLOAT"),
    ),
}

if __name__ == "__main__":
    load_script(TABLES, __file__)
