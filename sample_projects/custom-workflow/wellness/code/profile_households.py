"""How fresh each household's shopping is, and how that changed: a private library, and a model trained elsewhere.

    python profile_households.py --args '{"baskets": …, "products": …, "members": …}'

`dietscore` is installed from the wheel beside this file, as the code spec's pip_requirements say. Leaves
`cleanroom.custom_profiles` in the room. Returns averages of groups.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import dietscore
import households
import numpy as np
import pandas as pd
from snowflake.snowpark.context import get_active_session

SMALLEST_GROUP = 25

parser = argparse.ArgumentParser()
parser.add_argument("--args", type=json.loads)
args = parser.parse_args().args


def average(values: pd.Series) -> float | None:
    """The mean, unless so few are behind it that it would say something about one of them."""
    return round(float(values.mean()), 4) if len(values) >= SMALLEST_GROUP else None


session = get_active_session()
scorer = dietscore.Scorer.load(Path(__file__).with_name("model.json"))
spent = households.spend(session, args)
spent = spent[spent[households.HOUSEHOLD].isin(households.regulars(session, args)) & (spent["SPENT"] > 0)]
names = spent["PRODUCT_TYPE"].drop_duplicates()
fresh = pd.Series(scorer.score(names), index=names.to_numpy())
print(f"dietscore {dietscore.__version__}: {len(names):,} kinds of food, {int((fresh > 0.5).sum()):,} of them fresh")

weighted = spent.assign(FRESH=spent["PRODUCT_TYPE"].map(fresh) * spent["SPENT"])
sums = weighted.groupby([households.HOUSEHOLD, "HALF"])[["FRESH", "SPENT"]].sum()
halves = (sums["FRESH"] / sums["SPENT"]).unstack("HALF").dropna()
profiles = pd.DataFrame(
    {
        households.HOUSEHOLD: halves.index,
        "FRESHNESS": halves[1].to_numpy(),
        "CHANGE": (halves[1] - halves[0]).to_numpy(),
        "MEMBER": halves.index.isin(households.members(session, args)),
    }
).sort_values(households.HOUSEHOLD, ignore_index=True)
session.create_dataframe(profiles).write.save_as_table("cleanroom.custom_profiles", mode="overwrite")

of_members, of_others = profiles[profiles["MEMBER"]], profiles[~profiles["MEMBER"]]
__return__ = {
    "households": len(profiles),
    "members": len(of_members),
    "library": dietscore.__version__,
    "freshness_of_members": average(of_members["FRESHNESS"]),
    "freshness_of_others": average(of_others["FRESHNESS"]),
    "less_fresh": int(np.sum(profiles["CHANGE"] < 0)),
}
print(f"{len(profiles):,} households, {len(of_members):,} members; freshness {__return__['freshness_of_members']}")
