"""Load one party's Parquet files into its account: `python load.py retailer` (or `panel`)."""

from __future__ import annotations

from cleanroom_ml.local.sample_tables import SampleTable, load_script

TABLES = {
    "retailer": (
        SampleTable(
            "SEGMENTS_DB.PUBLIC.SALES",
            "HASHED_EMAIL VARCHAR, BASKET_ID NUMBER(38,0), PRODUCT_ID NUMBER(38,0), SALES_VALUE FLOAT, "
            "TRANSACTION_TIMESTAMP TIMESTAMP_NTZ",
        ),
        SampleTable("SEGMENTS_DB.PUBLIC.DEPARTMENTS", "PRODUCT_ID NUMBER(38,0), DEPARTMENT VARCHAR"),
    ),
    "panel": (
        SampleTable(
            "PANEL_DB.PUBLIC.MEMBERS", "HASHED_EMAIL VARCHAR, AGE VARCHAR, INCOME VARCHAR, COMPOSITION VARCHAR"
        ),
    ),
}

if __name__ == "__main__":
    load_script(TABLES, __file__)
