"""Which ads led to the orders: six methods side by side.

    python attribute.py --args '{"streaming": "…", "portal": "…", "orders": "…", "until": "2026-04-30",
                                 "lookback_days": 30, "half_life_days": 7}'

Writes `cleanroom.attribution_report`, one row a channel, and returns it. People's journeys are counted inside the room;
a channel in fewer than 25 ordering journeys is left without figures.
"""

from __future__ import annotations

import argparse
import json

from journeys import contacts, paths, rules, totals
from models import markov, shapley
from snowflake.snowpark.context import get_active_session

FEWEST_ORDERING_JOURNEYS = 25
METHODS = ["FIRST_TOUCH", "LAST_TOUCH", "POSITION_BASED", "TIME_DECAY", "MARKOV", "SHAPLEY"]

parser = argparse.ArgumentParser()
parser.add_argument("--args", type=json.loads, default={})
args = parser.parse_args().args

session = get_active_session()
journeys = contacts(session, args)
# Counted once; the five queries below read the result.
journeys.write.save_as_table("cleanroom.attribution_contacts", mode="overwrite")
journeys = session.table("cleanroom.attribution_contacts")

taken = paths(journeys)
orders = int(taken.loc[taken["ORDERED"], "JOURNEYS"].sum())
print(f"{int(taken['JOURNEYS'].sum()):,} journeys, {orders:,} of them end in an order")

report = totals(journeys).join(rules(journeys, int(args["half_life_days"])))
report["MARKOV"] = markov(taken)
report["SHAPLEY"] = shapley(taken)
report = report.astype(dict.fromkeys(METHODS, "float64"))
report[["SPEND", *METHODS]] = report[["SPEND", *METHODS]].round(2)
report.loc[report["ORDERING_JOURNEYS"] < FEWEST_ORDERING_JOURNEYS, METHODS] = None
table = report.drop(columns="ORDERING_JOURNEYS").reset_index()
session.create_dataframe(table).write.save_as_table("cleanroom.attribution_report", mode="overwrite")

print(table[["CHANNEL", *METHODS]].round(0).to_string(index=False))
figures = table[["CHANNEL", "CONTACTS", "SPEND", *METHODS]].rename(columns=str.lower).set_index("channel")
__return__ = {
    "journeys": int(taken["JOURNEYS"].sum()),
    "orders": orders,
    "channels": json.loads(figures.to_json(orient="index")),
}
