"""Load one party's Parquet files into its account: `python load.py rmn` (or `brand`)."""

from __future__ import annotations

from cleanroom_ml.local.sample_tables import SampleTable, load_script

TABLES = {
    "rmn": (
        SampleTable(
            "RMN_DB.PUBLIC.SHOPPERS",
            "HASHED_EMAIL VARCHAR, TRIPS FLOAT, SPEND FLOAT, CATEGORY_SPEND FLOAT, BRAND_SPEND FLOAT, "
            "BRAND_TRIPS FLOAT, COUPON_DISCOUNT FLOAT, RETAIL_DISCOUNT FLOAT, DAYS_SINCE_VISIT FLOAT, "
            "BOUGHT NUMBER(38,0)",
        ),
    ),
    "brand": (SampleTable("CAMPAIGN_DB.PUBLIC.CAMPAIGN", "HASHED_EMAIL VARCHAR, EXPOSED NUMBER(38,0)"),),
}

if __name__ == "__main__":
    load_script(TABLES, __file__)
