"""Groups of households that shop alike.

    python cluster.py --args '{"sales": "…", "departments": "…", "until": "2018-01-01"}'

Writes `cleanroom.segmentation_segments`: the hashed id, the number of its segment (1 spends most a household) and the
segment's name. Returns averages of the segments; a segment of fewer than 25 households is counted, and nothing more.
"""

from __future__ import annotations

import argparse
import json
from datetime import date

import numpy as np
import pandas as pd
from features import HOUSEHOLD, RFM, household_features
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.preprocessing import StandardScaler
from snowflake.snowpark.context import get_active_session

SEED = 7
# Two segments (much, little) have the best silhouette of all, and tell nobody what to do.
COUNTS = range(3, 9)
SMALLEST_SEGMENT = 25
# A household more than three standard deviations out says nothing about the others, and would be a segment of its own.
MOST_DEVIATIONS = 3.0


def standardised(features: pd.DataFrame) -> pd.DataFrame:
    """Money, visits and days on a log scale (twice as much is the same step everywhere); everything in deviations."""
    scaled = features.copy()
    scaled[RFM] = np.log1p(scaled[RFM])
    values = StandardScaler().fit_transform(scaled).clip(-MOST_DEVIATIONS, MOST_DEVIATIONS)
    return pd.DataFrame(values, index=features.index, columns=features.columns)


def clustered(points: pd.DataFrame, count: int, seed: int = SEED) -> KMeans:
    return KMeans(count, n_init=10, random_state=seed).fit(points.to_numpy())


def stability(points: pd.DataFrame, model: KMeans, repeats: int = 5) -> float:
    """Adjusted Rand index (1: the same segments) with clusterings of random halves of the households, on average."""
    random = np.random.default_rng(SEED)
    everybody = points.to_numpy()
    found = []
    for _ in range(repeats):
        half = points.iloc[random.permutation(len(points))[: len(points) // 2]]
        again = clustered(half, model.n_clusters, seed=int(random.integers(1 << 31)))
        found.append(adjusted_rand_score(model.labels_, again.predict(everybody)))
    return float(np.mean(found))


def name_of(centre: pd.Series) -> str:
    """How much the segment spends, and the departments it favours: at least 0.4 deviations above the average."""
    value = "high" if centre["MONETARY"] >= 0.4 else "low" if centre["MONETARY"] <= -0.4 else "middle"
    favoured = centre.drop(RFM).nlargest(2)
    likes = " and ".join(str(name).lower() for name in favoured.index[favoured >= 0.4])
    return f"{value} spend, {likes or 'a bit of everything'}"


parser = argparse.ArgumentParser()
parser.add_argument("--args", type=json.loads, default={})
args = parser.parse_args().args

session = get_active_session()
features = household_features(session, args["sales"], args["departments"], date.fromisoformat(args["until"]))
points = standardised(features)
print(f"{len(points):,} households, {points.shape[1]} features")

models = {count: clustered(points, count) for count in COUNTS}
silhouettes = {count: float(silhouette_score(points, model.labels_)) for count, model in models.items()}
for count, silhouette in silhouettes.items():
    print(f"{count} segments: silhouette {silhouette:.3f}")
best = max(silhouettes, key=lambda count: silhouettes[count])

# Numbered by what a household spends on average, so that the numbers mean something and do not change with the seed.
order = features["MONETARY"].groupby(models[best].labels_).mean().sort_values(ascending=False).index
number = pd.Series(range(1, best + 1), index=order).reindex(models[best].labels_).to_numpy()
names = {segment: name_of(centre) for segment, centre in points.groupby(number).mean().iterrows()}
segments = pd.DataFrame({HOUSEHOLD: features.index, "SEGMENT": number, "SEGMENT_NAME": pd.Series(number).map(names)})
session.create_dataframe(segments).write.save_as_table("cleanroom.segmentation_segments", mode="overwrite")

profiles = []
for segment, members in features.groupby(number):
    profile = {"segment": int(segment), "name": names[segment], "households": len(members)}
    if len(members) >= SMALLEST_SEGMENT:
        averages = members[RFM].mean().round().astype(int)
        profile |= {
            "days_since_last_visit": int(averages["RECENCY"]),
            "baskets": int(averages["FREQUENCY"]),
            "spend": int(averages["MONETARY"]),
            "share_of_sales": round(float(members["MONETARY"].sum() / features["MONETARY"].sum()), 3),
        }
    profiles.append(profile)
    print(f"segment {segment}: {profile}")

__return__ = {
    "households": len(features),
    "segments": best,
    "silhouette": {str(count): round(value, 4) for count, value in silhouettes.items()},
    "stability": round(stability(points, models[best]), 3),
    "profiles": profiles,
}
