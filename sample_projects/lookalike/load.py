"""Load one party's Parquet files into its account: `python load.py publisher` (or `advertiser`).

What the party's own data team would have done long ago. The connection is the directory's, as for every command
(`cleanroom-ml connection use NAME`), or `--connection NAME`; nothing of the clean room is involved yet.
"""

from __future__ import annotations

from cleanroom_ml.local.sample_tables import SampleTable, load_script

TABLES = {
    "publisher": (
        SampleTable(
            "ML_DB.PUBLIC.TRANSACTIONS",
            "HASHED_EMAIL VARCHAR, BASKET_ID NUMBER(38,0), PRODUCT_ID NUMBER(38,0), QUANTITY NUMBER(38,0), "
            "SALES_VALUE FLOAT, RETAIL_DISC FLOAT, COUPON_DISC FLOAT, COUPON_MATCH_DISC FLOAT, WEEK NUMBER(38,0), "
            "TRANSACTION_TIMESTAMP TIMESTAMP_NTZ",
        ),
        SampleTable("ML_DB.PUBLIC.PRODUCTS", "PRODUCT_ID NUMBER(38,0), DEPARTMENT VARCHAR, PRODUCT_CATEGORY VARCHAR"),
    ),
    "advertiser": (SampleTable("CRM_DB.PUBLIC.REDEEMERS", "HASHED_EMAIL VARCHAR"),),
}

if __name__ == "__main__":
    load_script(TABLES, __file__)
