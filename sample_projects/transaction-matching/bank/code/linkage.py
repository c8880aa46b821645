"""Record linkage without labels: levels of agreement, their meaning learned from the data, one partner for each.

Source: I. Fellegi, A. Sunter, "A Theory for Record Linkage" (1969); expectation maximisation as in W. Winkler (1988).
Pure functions over arrays: the workers of the cluster need no session and no table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import HashingVectorizer

COMPARISONS = ("amount", "days", "name")
LEVELS = 3  # of each comparison; level 0 agrees best
ROUNDS = 200
_NOISE = re.compile(r"^(SQ|PAYPAL) \*|[0-9]+$")


def groups(pairs: pd.DataFrame) -> np.ndarray:
    """The number of the group of each pair: pairs that share a payment or an order, directly or over others.

    Pairs of different groups never compete, so groups can be decided apart from each other.
    """
    payment, payments = pd.factorize(pairs["PAYMENT_REFERENCE"])
    order, orders = pd.factorize(pairs["ORDER_ID"])
    size = len(payments) + len(orders)
    edges = coo_array((np.ones(len(pairs)), (payment, order + len(payments))), shape=(size, size))
    return connected_components(edges, directed=False)[1][payment]


def agreement(pairs: pd.DataFrame) -> np.ndarray:
    """The levels of agreement of each pair, one column a comparison."""
    off = (pairs["AMOUNT"] / pairs["ORDER_TOTAL"] - 1).abs().to_numpy()
    days = pairs["DAYS_AFTER"].to_numpy()
    name = _similarity(pairs["DESCRIPTOR"], pairs["STORE"])
    levels = (
        np.select([off < 0.0005, off < 0.07], [0, 1], 2),
        np.select([days <= 1, days <= 3], [0, 1], 2),
        np.select([name >= 0.5, name >= 0.25], [0, 1], 2),
    )
    return np.column_stack(levels).astype(np.int8)


def _similarity(descriptors: pd.Series, stores: pd.Series) -> np.ndarray:
    """Cosine of the letters that follow each other, two and three at a time: a missing letter costs little."""
    vectors = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 3), n_features=1 << 16, alternate_sign=False)
    plain = descriptors.map(lambda text: _NOISE.sub("", text).strip())
    return np.asarray(vectors.transform(plain).multiply(vectors.transform(stores)).sum(axis=1)).ravel()


@dataclass(frozen=True)
class Linkage:
    """What agreement means: log odds of each level, and of a pair before anything is compared."""

    prior: float
    weights: tuple[np.ndarray, ...]

    def log_odds(self, levels: np.ndarray) -> np.ndarray:
        """The log odds that each pair belongs together."""
        return self.prior + sum(weight[levels[:, column]] for column, weight in enumerate(self.weights))


def learn(levels: np.ndarray) -> Linkage:
    """Tell two kinds of pairs apart by their levels alone: those that belong together agree more often.

    Starts from the assumption that agreement speaks for a match; comparisons are taken as independent within a kind.
    """
    patterns, counts = np.unique(levels, axis=0, return_counts=True)
    columns = range(len(COMPARISONS))
    share = 0.3
    matched = [np.array([0.8, 0.15, 0.05]) for _ in columns]
    other = [_shares(patterns[:, column], counts) for column in columns]
    for _ in range(ROUNDS):
        belief = counts / (1 + np.exp(-_linkage(share, matched, other).log_odds(patterns)))
        share = belief.sum() / counts.sum()
        matched = [_shares(patterns[:, column], belief) for column in columns]
        other = [_shares(patterns[:, column], counts - belief) for column in columns]
    return _linkage(share, matched, other)


def _shares(level: np.ndarray, weight: np.ndarray) -> np.ndarray:
    # Half a pair on each level: what was never seen is rare, not impossible.
    total = np.bincount(level, weights=weight, minlength=LEVELS) + 0.5
    return total / total.sum()


def _linkage(share: float, matched: list[np.ndarray], other: list[np.ndarray]) -> Linkage:
    weights = tuple(np.log(match / others) for match, others in zip(matched, other, strict=True))
    return Linkage(float(np.log(share / (1 - share))), weights)


def decide(pairs: pd.DataFrame, log_odds: np.ndarray, minimum_probability: float) -> pd.DataFrame:
    """The pairs that are matched: each payment and each order at most once, the likeliest whole in every group.

    Needs whole groups (column GROUP). Returns PAYMENT_REFERENCE, ORDER_ID and PROBABILITY.
    """
    scored = pairs[["PAYMENT_REFERENCE", "ORDER_ID", "GROUP"]].assign(LOG_ODDS=log_odds)
    likely = scored[scored["LOG_ODDS"] > 0]
    rivals = likely.groupby("GROUP")["GROUP"].transform("size") > 1
    decided = [_best(group) for _, group in likely[rivals].groupby("GROUP", sort=False)]
    matched = pd.concat([likely[~rivals], *decided])
    matched["PROBABILITY"] = 1 / (1 + np.exp(-matched["LOG_ODDS"]))
    return matched.loc[matched["PROBABILITY"] >= minimum_probability, ["PAYMENT_REFERENCE", "ORDER_ID", "PROBABILITY"]]


def _best(group: pd.DataFrame) -> pd.DataFrame:
    """The pairs of the assignment with the highest sum of log odds."""
    table = group.pivot(index="PAYMENT_REFERENCE", columns="ORDER_ID", values="LOG_ODDS")
    payment, order = linear_sum_assignment(table.fillna(0.0).to_numpy(), maximize=True)
    chosen = pd.DataFrame({"PAYMENT_REFERENCE": table.index[payment], "ORDER_ID": table.columns[order]})
    return group.merge(chosen)
