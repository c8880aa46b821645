"""Nodes that only `select` makes, of a query that it has found to keep to the policies: no parser makes them."""

from __future__ import annotations

from sqlglot import exp


class GuardedTable(exp.Expression):
    """A guarded view in a FROM that may read it. `source`: its `ViewSource`; `row`: the name of a column that numbers
    its rows, or None.
    """

    arg_types = {"source": True, "alias": True, "row": False}  # noqa: RUF012 - sqlglot's interface


class Sized(exp.Expression):
    """The rows of `this`, a SELECT, each with whether its group is large enough.

    `keys`: the columns that group; `sizes`: pairs of a column of entities and how many a group must have of them.
    `whole`: the name of the column that says that its group is; `told`: that it, or what remains of all other groups
    together, is.
    """

    arg_types = {  # noqa: RUF012 - sqlglot's interface
        "this": True, "alias": True, "keys": True, "sizes": True, "whole": True, "told": True,
    }  # fmt: skip


class Silent(exp.Expression):
    """An expression that is computed of each row of a guarded view: where it fails it is NULL. Whether one row makes a
    query fail would say what is in that row.
    """

    arg_types = {"this": True}  # noqa: RUF012 - sqlglot's interface
