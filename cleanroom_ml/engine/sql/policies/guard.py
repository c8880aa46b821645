"""What free-form SQL may do with one view: the constraints of its policies, worked out for one reader.

Masking and row access are in the view's rows already. These are about the query around it, and `select` keeps them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cleanroom_ml.engine.sql.errors import COMPILATION, SqlError

# user-guide/join-policies, "Testing the join policy by running some queries", "Restricting joins on specific columns".
_JOIN_REQUIRED = 506037
_JOIN_KEY = 506038


@dataclass(frozen=True, slots=True)
class Guard:
    """Constraints on the queries of a view.

    Args:
        columns: those that the view has.
        group_size: rows, or entities, that each group must have; None: no aggregation policy applies.
        entity_keys: the columns that identify an entity, each for itself; none: a row is one.
        join_required: it is read by a join only, on `join_keys` (none: on any of its columns).
        hidden: columns that no result may have, and whether they are NULL there instead of a refusal.
    """

    columns: tuple[str, ...]
    group_size: int | None = None
    entity_keys: tuple[str, ...] = ()
    join_required: bool = False
    join_keys: tuple[str, ...] = ()
    hidden: Mapping[str, bool] = field(default_factory=dict)

    @property
    def constrains(self) -> bool:
        """Whether there is anything to keep."""
        return self.group_size is not None or self.join_required or bool(self.hidden)

    def violation(self, why: str) -> SqlError:
        """What a query is refused with that uses the view in a way that is on no list."""
        if self.group_size is not None:
            return aggregation(why)
        return join(why) if self.join_required else projection(why)


def aggregation(why: str) -> SqlError:
    """Of an aggregation policy."""
    return SqlError.syntax(f"Aggregation policy violation, please contact the policy admin for details: {why}.")


def projection(why: str) -> SqlError:
    """Of a projection policy."""
    return SqlError.syntax(f"Projection policy violation, please contact the policy admin for details: {why}.")


def join(why: str) -> SqlError:
    """Of a join policy: there is no join."""
    return SqlError(
        _JOIN_REQUIRED,
        "23001",
        f"{COMPILATION}Join Policy violation, please contact the policy admin for details: {why}.",
    )


def join_key(why: str) -> SqlError:
    """Of a join policy: the join is on another column."""
    return SqlError(
        _JOIN_KEY, "23001", f"{COMPILATION}Join Policy violation, invalid join condition with reason: {why}."
    )
