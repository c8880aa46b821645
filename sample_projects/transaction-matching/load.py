"""Load one party's Parquet files into its account: `python load.py bank` (or `merchant`)."""

from __future__ import annotations

from cleanroom_ml.local.sample_tables import SampleTable, load_script

TABLES = {
    "bank": (
        SampleTable(
            "BANK_DB.PUBLIC.PAYMENTS",
            "PAYMENT_REFERENCE VARCHAR, HASHED_EMAIL VARCHAR, HASHED_PHONE VARCHAR, BOOKED TIMESTAMP_NTZ, "
            "AMOUNT FLOAT, DESCRIPTOR VARCHAR",
        ),
    ),
    "merchant": (
        SampleTable(
            "MARKET_DB.PUBLIC.ORDERS",
            "ORDER_ID VARCHAR, HASHED_EMAIL VARCHAR, HASHED_PHONE VARCHAR, ORDER_TIME TIMESTAMP_NTZ, "
            "ORDER_TOTAL FLOAT, STORE VARCHAR",
        ),
    ),
}

if __name__ == "__main__":
    load_script(TABLES, __file__)
