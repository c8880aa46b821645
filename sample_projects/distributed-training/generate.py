"""Write both parties' tables as Parquet: what an ad network counted of people's reading, and who then ordered.

    python generate.py                      # 400,000 people
    python generate.py --people 6000

No such table is public, so it is generated, always the same for a number of people. Whether somebody orders depends on
what they read, on the ads they saw (too many of them put people off), on how long ago, and on chance; no single column
gives it away, and it isn't linear.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from cleanroom_ml.local.sample_data import hashed_email, write_table
from cleanroom_ml.local.sample_script import asked_size, script

HERE = Path(__file__).parent
SEED = 41
SECTIONS = ("news", "sport", "travel", "home", "food", "finance", "culture", "science")


def audience(random: np.random.Generator, people: int) -> pd.DataFrame:
    """One row a person: visits by section of the last 30 days, ads seen and clicked, when and on what they read."""
    reading = random.gamma(1.2, 1.0, people)
    visits = {
        f"visits_{section}": random.poisson(reading * taste).astype("float64")
        for section, taste in zip(SECTIONS, (6.0, 4.0, 2.0, 2.5, 2.0, 1.5, 1.0, 0.8), strict=True)
    }
    ads_seen = random.poisson(4 * reading)
    return pd.DataFrame(
        {
            "hashed_email": [hashed_email(f"reader-{number}@example.com") for number in range(people)],
            **visits,
            "ads_seen": ads_seen.astype("float64"),
            "ads_clicked": random.binomial(ads_seen, 0.08).astype("float64"),
            "days_since_visit": np.round(random.exponential(6.0, people), 1),
            "minutes_a_visit": np.round(random.lognormal(1.0, 0.6, people), 2),
            "mobile_share": np.round(random.beta(2.0, 1.5, people), 3),
            "evening_share": np.round(random.beta(1.5, 2.5, people), 3),
        }
    )


def probability_of_an_order(frame: pd.DataFrame) -> np.ndarray:
    """What no party knows: how probable an order of each person is."""
    at_home = np.log1p(frame["visits_home"]) + 0.6 * np.log1p(frame["visits_food"])
    worn_out = np.clip(frame["ads_seen"] - 12, 0, None)
    on_the_sofa = frame["mobile_share"] * frame["evening_share"]
    log_odds = (
        -4.0
        + 1.1 * at_home
        + 0.9 * np.minimum(frame["ads_clicked"], 3)
        + 0.07 * np.minimum(frame["ads_seen"], 12)
        - 0.15 * worn_out
        - 0.08 * frame["days_since_visit"]
        + 2.5 * on_the_sofa
        - 0.5 * (frame["visits_finance"] > 4)
    )
    return np.asarray(1 / (1 + np.exp(-log_odds)))


@script
def main() -> None:
    people = asked_size(__doc__, "--people", 400_000, "how many people (default: 400,000)")
    random = np.random.default_rng(SEED)
    readers = audience(random, people)
    ordered = random.uniform(size=people) < probability_of_an_order(readers)
    orders = readers.loc[ordered, ["hashed_email"]].sample(frac=1.0, random_state=SEED)

    print(write_table(readers, HERE / "network/data/readers.parquet"))
    print(write_table(orders, HERE / "shop/data/orders.parquet"))


if __name__ == "__main__":
    main()
