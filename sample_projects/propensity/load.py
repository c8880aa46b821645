"""Load one party's Parquet files into its account: `python load.py retailer` (or `brand`)."""

from __future__ import annotations

from cleanroom_ml.local.sample_tables import SampleTable, load_script

TABLES = {
    "retailer": (
        SampleTable(
            "PROPENSITY_DB.PUBLIC.TRANSACTIONS",
            "HASHED_EMAIL VARCHAR, BASKET_ID NUMBER(38,0), PRODUCT_ID NUMBER(38,0), QUANTITY NUMBER(38,0), "
            "SALES_VALUE FLOAT, RETAIL_DISC FLOAT, COUPON_DISC FLOAT, TRANSACTION_TIMESTAMP TIMESTAMP_NTZ",
        ),
        SampleTable("PROPENSITY_DB.PUBLIC.PRODUCTS", "PRODUCT_ID NUMBER(38,0), DEPARTMENT VARCHAR"),
    ),
    "brand": (
        SampleTable("BRAND_DB.PUBLIC.ASSORTMENT", "PRODUCT_ID NUMBER(38,0)"),
        SampleTable(
            "BRAND_DB.PUBLIC.MEMBERS",
            "HASHED_EMAIL VARCHAR, AGE_FROM FLOAT, INCOME_FROM_THOUSANDS FLOAT, HOUSEHOLD_SIZE FLOAT, KIDS FLOAT",
        ),
        SampleTable(
            "BRAND_DB.PUBLIC.CONTACTS",
            "HASHED_EMAIL VARCHAR, CAMPAIGN_ID NUMBER(38,0), CAMPAIGN_TYPE VARCHAR, SENT TIMESTAMP_NTZ",
        ),
    ),
}

if __name__ == "__main__":
    load_script(TABLES, __file__)
