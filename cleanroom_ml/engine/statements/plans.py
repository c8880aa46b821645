"""Plans that were made before: a session that sends the same query again, while nothing has changed, has it compiled
already.

A plan is made of a statement's text, of the session and its parameters, and of the catalog: of nothing else, where the
text has only what is on the list here. So it is kept for as long as the session's world is the same (`contracts.kept`:
any commit, anywhere, ends that), and names, grants and policies are as current as if they had been looked up.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.contracts.kept import Kept
from cleanroom_ml.engine.sql.compiled import Compiled

MOST: Final = 256
MOST_INPUTS: Final = 64
MOST_CHARACTERS: Final = 8 << 10

_PLAIN: Final[frozenset[type[exp.Expr]]] = frozenset(
    {exp.Select, exp.From, exp.Table, exp.TableAlias, exp.Identifier, exp.Column, exp.Literal, exp.Star, exp.Alias}
    | {exp.Paren, exp.Null, exp.Boolean, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit}
    | {exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In, exp.Between}
    | {exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Neg, exp.Like, exp.Anonymous, exp.Join, exp.Distinct}
)
_CALLED: Final = frozenset(
    {"COUNT", "SUM", "MIN", "MAX", "AVG", "ABS", "COALESCE", "LOWER", "UPPER", "LENGTH", "ROUND"}
)
"""Functions whose text is always the same: none that asks for something of the session, or takes numbers."""


@dataclass(frozen=True, slots=True)
class _Plan:
    tree: exp.Expr
    """Kept, so that no other tree is taken for it."""
    kept: Kept
    asked: Mapping[str, str]
    compiled: Compiled


class Plans:
    """The last plans of all sessions, each its own session's alone. Thread-safe."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._plans: OrderedDict[tuple[str, int], _Plan] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, tree: exp.Expr, kept: Kept, asked: Mapping[str, str]) -> Compiled | None:
        """The plan of this very tree in this world, with these parameters of the request; None: compile it."""
        with self._lock:
            plan = self._plans.get((kept.session, id(tree)))
            if plan is None or plan.tree is not tree or plan.kept != kept or plan.asked != asked:
                return None
            self._plans.move_to_end((kept.session, id(tree)))
        return plan.compiled

    def keep(self, tree: exp.Expr, kept: Kept, asked: Mapping[str, str], compiled: Compiled) -> None:
        """Keep a plan that was made in this world, if it is made of nothing else."""
        small = len(compiled.inputs) <= MOST_INPUTS and len(compiled.sql) <= MOST_CHARACTERS
        used_up = compiled.drawn or compiled.functions or compiled.staged or compiled.foreign
        if not small or used_up or not compiled.of_tables or not is_plain(tree):
            return
        with self._lock:
            self._plans[kept.session, id(tree)] = _Plan(tree, kept, dict(asked), compiled)
            while len(self._plans) > self._most:
                self._plans.popitem(last=False)

    def forget(self, session_id: str) -> None:
        """The session is over."""
        with self._lock:
            for key in [key for key in self._plans if key[0] == session_id]:
                del self._plans[key]


def is_plain(tree: exp.Expr) -> bool:
    """Whether a query has nothing but what is on the list."""
    return all(
        type(node) in _PLAIN and (type(node) is not exp.Anonymous or str(node.this).upper() in _CALLED)
        for node in tree.walk()
    )
