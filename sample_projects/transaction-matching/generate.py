"""Write both parties' tables as Parquet: the payments that a bank booked, and the orders of a chain of markets.

    python generate.py                  # 60,000 orders
    python generate.py --orders 2000

No bank publishes payments beside the orders they paid, so these are generated, always the same for a number of orders.
They differ as such records do:

- a fifth of the orders was paid otherwise, and most payments went to somebody else, some to shops with similar names;
- a payment is booked up to three days after the order; tips, fees, exchange rates and items that were out of stock
  change a quarter of the amounts; descriptors are shortened, prefixed and misspelt;
- a customer may have given another e-mail address to the shop than to the bank, or no phone number.

Which payment belongs to which order is known; `truth.csv` has it. No party could know it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from cleanroom_ml.local.sample_data import hashed_email, write_table
from cleanroom_ml.local.sample_script import asked_size, script

HERE = Path(__file__).parent
SEED = 23
FIRST_DAY = pd.Timestamp("2026-01-05")
DAYS = 90
CITIES = ["Berlin", "Hamburg", "Munich", "Cologne", "Frankfurt", "Stuttgart", "Leipzig", "Dresden", "Bremen", "Essen"]
OTHERS = [
    "Greenhouse Market", "Leaf & Bean Coffee", "Market Hall", "City Pharmacy", "Blue Petrol", "Northern Rail",
    "Bookland", "Corner Bakery", "Fitwell Gym", "Cinema Palace", "Hardware World", "Pet Corner",
]  # fmt: skip
USUAL = np.array([9.99, 19.99, 29.99, 49.99])  # boxes and subscriptions: many orders of the same amount


def hashed_phone(number: int, kind: str) -> str:
    return hashlib.sha256(f"+49151{kind}{number:07d}".encode()).hexdigest()


def customers(random: np.random.Generator, count: int) -> dict[str, pd.DataFrame]:
    """What each customer told the bank, and what the shop: usually the same."""
    emails = [hashed_email(f"customer-{number}@example.com") for number in range(count)]
    phones = [hashed_phone(number, "1") for number in range(count)]
    bank = pd.DataFrame({"hashed_email": emails, "hashed_phone": phones})
    shop = bank.copy()
    other_email = random.uniform(size=count) < 0.08
    shop.loc[other_email, "hashed_email"] = [
        hashed_email(f"customer-{number}@shop.example") for number in np.flatnonzero(other_email)
    ]
    shop.loc[random.uniform(size=count) < 0.15, "hashed_phone"] = None
    return {"bank": bank, "shop": shop}


def charged(random: np.random.Generator, totals: np.ndarray) -> np.ndarray:
    """What was booked for orders: mostly the total, else with a tip, at an exchange rate, or without some items."""
    kind = random.choice(4, len(totals), p=[0.75, 0.08, 0.07, 0.10])
    factors = np.select(
        [kind == 1, kind == 2, kind == 3],
        [
            random.uniform(1.01, 1.06, len(totals)),
            random.uniform(0.995, 1.005, len(totals)),
            random.uniform(0.8, 0.97, len(totals)),
        ],
        1.0,
    )
    return np.round(totals * factors, 2)


def descriptor(random: np.random.Generator, name: str, city: str) -> str:
    """A shop's name as it stands on a statement of account: 25 characters at the most."""
    words = name.upper().replace("MARKET", random.choice(["MARKET", "MKT", "MARKT"]))
    text = f"{random.choice(['', '', 'SQ *', 'PAYPAL *'])}{words} {random.choice([city.upper(), city.upper()[:4], ''])}"
    if random.uniform() < 0.25:
        place = int(random.integers(len(text) - 1))
        text = text[:place] + text[place + 1 :]
    return f"{text.strip()} {random.integers(10_000):04d}"[:25]


@script
def main() -> None:
    count = asked_size(__doc__, "--orders", 60_000, "how many orders (default: 60,000)")
    random = np.random.default_rng(SEED)
    people = max(1, count // 6)
    known = customers(random, people)
    home = random.integers(len(CITIES), size=people)

    who = random.integers(people, size=count)
    totals = np.where(
        random.uniform(size=count) < 0.25, random.choice(USUAL, count), np.round(random.gamma(2.5, 18, count) + 2, 2)
    )
    order_day = random.uniform(0, DAYS, count)
    orders = pd.DataFrame(
        {
            "order_id": [f"O{number:07d}" for number in range(count)],
            "hashed_email": known["shop"]["hashed_email"].to_numpy()[who],
            "hashed_phone": known["shop"]["hashed_phone"].to_numpy()[who],
            "order_time": (FIRST_DAY + pd.to_timedelta(order_day, unit="D")).floor("s"),
            "order_total": totals,
            "store": [f"Greenleaf Market {CITIES[home[person]]}" for person in who],
        }
    )

    paid = np.flatnonzero(random.uniform(size=count) < 0.8)
    elsewhere = random.integers(people, size=2 * count)
    payer = np.concatenate([who[paid], elsewhere])
    names = ["Greenleaf Market"] * len(paid) + list(random.choice(OTHERS, len(elsewhere)))
    lag = random.choice([0.0, 1.0, 2.0, 3.0], len(paid), p=[0.5, 0.3, 0.15, 0.05]) + random.uniform(0, 0.2, len(paid))
    booked = np.concatenate([order_day[paid] + lag, random.uniform(0, DAYS, len(elsewhere))])
    amounts = np.concatenate([charged(random, totals[paid]), np.round(random.gamma(2.5, 18, len(elsewhere)) + 2, 2)])
    payments = pd.DataFrame(
        {
            "hashed_email": known["bank"]["hashed_email"].to_numpy()[payer],
            "hashed_phone": known["bank"]["hashed_phone"].to_numpy()[payer],
            "booked": (FIRST_DAY + pd.to_timedelta(booked, unit="D")).floor("s"),
            "amount": amounts,
            "descriptor": [
                descriptor(random, name, CITIES[home[person]]) for name, person in zip(names, payer, strict=True)
            ],
            "order_id": [*orders["order_id"].to_numpy()[paid], *[None] * len(elsewhere)],
        }
    ).sort_values("booked", ignore_index=True)
    payments.insert(0, "payment_reference", [f"P{number:08d}" for number in range(len(payments))])

    print(write_table(orders, HERE / "merchant/data/orders.parquet"))
    print(write_table(payments.drop(columns="order_id"), HERE / "bank/data/payments.parquet"))
    truth = payments.loc[payments["order_id"].notna(), ["payment_reference", "order_id"]]
    truth.to_csv(HERE / "truth.csv", index=False)
    print(f"truth.csv: {len(truth):,} payments of orders")


if __name__ == "__main__":
    main()
