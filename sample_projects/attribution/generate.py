"""Write the three parties' tables as Parquet: two logs of ads, and the orders of a shop.

    python generate.py                  # 40,000 people
    python generate.py --people 4000

No public log of ads has the same people at several publishers and at the advertiser, so these are generated, always
the same for a number of people. They are made like this:

- interest in the product differs from person to person; who is interested searches more, and orders more anyway;
- video and social reach people by chance (social a little more those who are interested);
- display follows those who have searched before (retargeting);
- video, social and search make an order likelier, each contact less than the one before. Display does nothing at all.

So how many orders each channel has caused is known; `truth.json` has it. No party could know it.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from cleanroom_ml.local.sample_data import hashed_email, write_table
from cleanroom_ml.local.sample_script import asked_size, script

HERE = Path(__file__).parent
SEED = 11
FIRST_DAY = pd.Timestamp("2026-03-01")
DAYS = 60
EFFECT = {"video": 0.9, "social": 0.45, "search": 0.7, "display": 0.0}
COST = {"video": 0.025, "social": 0.012, "search": 0.9, "display": 0.004}  # USD a contact
EVENT = {"video": "impression", "social": "click", "search": "click", "display": "impression"}
PUBLISHER = {"streaming": ("video", "display"), "portal": ("search", "social")}


def contacts(random: np.random.Generator, interest: np.ndarray) -> dict[str, list[np.ndarray]]:
    """The days (0 to 60) on which each channel reached each person, in order."""
    people = len(interest)
    counts = {
        "video": random.poisson(0.9, people),
        "social": random.poisson(0.6 * np.exp(0.25 * interest)),
        "search": random.poisson(0.3 * np.exp(0.8 * interest)),
    }
    days = {name: [np.sort(random.uniform(0, DAYS, number)) for number in counts[name]] for name in counts}
    days["display"] = [
        np.sort(random.uniform(searched[0], DAYS, random.poisson(2.5))) if len(searched) else np.zeros(0)
        for searched in days["search"]
    ]
    return days


def order_probability(interest: np.ndarray, days: dict[str, list[np.ndarray]], *, without: str = "") -> np.ndarray:
    """How likely each person is to order, or would have been `without` one channel."""
    log_odds = -4.2 + 0.8 * interest
    for name, effect in EFFECT.items():
        if name != without:
            log_odds = log_odds + effect * np.log1p([len(each) for each in days[name]])
    return 1 / (1 + np.exp(-log_odds))


def time_of(day: np.ndarray) -> pd.DatetimeIndex:
    """Days as points in time, to the second."""
    return (FIRST_DAY + pd.to_timedelta(day, unit="D")).floor("s")


def log_of(days: dict[str, list[np.ndarray]], channels: tuple[str, ...], emails: np.ndarray) -> pd.DataFrame:
    """A publisher's log, in the order of time."""
    parts = [
        pd.DataFrame(
            {
                "hashed_email": np.repeat(emails, [len(found) for found in days[channel]]),
                "event_time": time_of(np.concatenate(days[channel])),
                "event_type": EVENT[channel],
                "channel": channel,
                "cost": COST[channel],
            }
        )
        for channel in channels
    ]
    return pd.concat(parts).sort_values(["event_time", "hashed_email"], ignore_index=True)


@script
def main() -> None:
    people = asked_size(__doc__, "--people", 40_000, "how many people (default: 40,000)")
    random = np.random.default_rng(SEED)
    interest = random.normal(size=people)
    emails = np.array([hashed_email(f"person-{number}@example.com") for number in range(people)])
    days = contacts(random, interest)

    probability = order_probability(interest, days)
    ordered = np.flatnonzero(random.uniform(size=people) < probability)
    # An order comes after the contacts that made it likelier, wherever in the rest of the time.
    causes = [np.concatenate([days[name][person] for name, effect in EFFECT.items() if effect]) for person in ordered]
    earliest = np.array([found.max() if len(found) else 0.0 for found in causes])
    orders = pd.DataFrame(
        {
            "hashed_email": emails[ordered],
            "order_time": time_of(random.uniform(earliest, DAYS)),
            "order_value": np.round(random.gamma(4.0, 15.0, len(ordered)), 2),
        }
    )

    for publisher, channels in PUBLISHER.items():
        print(write_table(log_of(days, channels, emails), HERE / publisher / "data/ad_events.parquet"))
    print(write_table(orders.sort_values("order_time"), HERE / "advertiser/data/orders.parquet"))
    caused = {
        name: round(float((probability - order_probability(interest, days, without=name)).sum())) for name in EFFECT
    }
    (HERE / "truth.json").write_text(json.dumps({"orders": len(orders), "caused": caused}, indent=2) + "\n")
    print(f"truth.json: {len(orders):,} orders, caused by {caused}")


if __name__ == "__main__":
    main()
