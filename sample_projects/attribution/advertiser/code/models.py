"""The two methods that learn from all journeys, those without an order too. Both give each order away exactly once."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise, permutations

import numpy as np
import pandas as pd

START, ORDER, NOTHING = "(start)", "(order)", "(nothing)"
FEWEST_JOURNEYS = 50


def markov(paths: pd.DataFrame) -> pd.Series:
    """Orders by removal effect: the part of all orders that a first-order chain loses when a channel leads nowhere.

    The effects are scaled to the orders there were: they overlap, so their sum has no meaning of its own.
    """
    moves: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for path, ordered, journeys in paths[["PATH", "ORDERED", "JOURNEYS"]].itertuples(index=False):
        for state, following in pairwise([START, *path.split(" > "), ORDER if ordered else NOTHING]):
            moves[state][following] += journeys
    channels = sorted(set(moves) - {START})
    orders = float(paths.loc[paths["ORDERED"], "JOURNEYS"].sum())
    whole = _chance_of_order(moves, channels)
    effects = pd.Series({name: 1 - _chance_of_order(moves, channels, without=name) / whole for name in channels})
    return effects / effects.sum() * orders


def _chance_of_order(moves: dict[str, dict[str, float]], channels: list[str], *, without: str = "") -> float:
    """The chance that a journey from the start ends in an order: of an absorbing chain, so a linear system."""
    states = [START, *(name for name in channels if name != without)]
    at = {state: index for index, state in enumerate(states)}
    inner, ending = np.zeros((len(states), len(states))), np.zeros(len(states))
    for state in states:
        total = sum(moves[state].values())
        for following, journeys in moves[state].items():
            if following == ORDER:
                ending[at[state]] = journeys / total
            elif following in at:
                inner[at[state], at[following]] = journeys / total
    return float(np.linalg.solve(np.eye(len(states)) - inner, ending)[0])


def shapley(paths: pd.DataFrame) -> pd.Series:
    """Orders by Shapley value: what a channel adds to the order rate of the journeys with the others, on average.

    The worth of a set of channels is the order rate of the journeys that have exactly these. Each order is divided in
    the proportion of the values within its own set; a set of fewer than 50 journeys has no rate of its own, and its
    orders are divided equally. A channel that adds nothing gets nothing.
    """
    sets = paths.assign(SET=paths["PATH"].map(lambda path: frozenset(path.split(" > "))))
    journeys = sets.groupby("SET")["JOURNEYS"].sum()
    orders = sets[sets["ORDERED"]].groupby("SET")["JOURNEYS"].sum()
    rate = {each: float(orders.get(each, 0) / count) for each, count in journeys.items() if count >= FEWEST_JOURNEYS}
    credit: dict[str, float] = dict.fromkeys(sorted(frozenset().union(*journeys.index)), 0.0)
    for members, count in orders.items():
        for channel, share in _shares(members, rate).items():
            credit[channel] += share * float(count)
    return pd.Series(credit)


def _shares(members: frozenset[str], rate: dict[frozenset[str], float]) -> dict[str, float]:
    """How an order of this set is divided: never below zero, 1 in sum."""
    value = dict.fromkeys(sorted(members), 0.0)
    if members in rate:
        for order in permutations(value):
            seen: frozenset[str] = frozenset()
            for channel in order:
                value[channel] += rate.get(seen | {channel}, 0.0) - rate.get(seen, 0.0)
                seen |= {channel}
    value = {channel: max(0.0, added) for channel, added in value.items()}
    total = sum(value.values())
    return {channel: added / total if total else 1 / len(value) for channel, added in value.items()}
