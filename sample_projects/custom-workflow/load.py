"""Load one party's Parquet files into its account: `python load.py grocer` (or `wellness`)."""

from __future__ import annotations

from cleanroom_ml.local.sample_tables import SampleTable, load_script

TABLES = {
    "grocer": (
        SampleTable(
            "GROCER_DB.PUBLIC.BASKETS",
            "HASHED_EMAIL VARCHAR, BASKET_ID NUMBER(38,0), PRODUCT_ID NUMBER(38,0), SALES_VALUE FLOAT, "
            "TRANSACTION_TIMESTAMP TIMESTAMP_NTZ",
        ),
        SampleTable(
            "GROCER_DB.PUBLIC.PRODUCTS",
            "PRODUCT_ID NUMBER(38,0), DEPARTMENT VARCHAR, PRODUCT_CATEGORY VARCHAR, PRODUCT_TYPE VARCHAR",
        ),
    ),
    "wellness": (SampleTable("WELLNESS_DB.PUBLIC.MEMBERS", "HASHED_EMAIL VARCHAR"),),
}

if __name__ == "__main__":
    load_script(TABLES, __file__)
