"""Policy filters: whether a column that a template's caller named may be used the way the filter says.

Rule (custom-templates, "Required table aliases" and "Enforcing clean room policies"): the alias prefix says whose
column it is, `p`/`p1`, `p2`… the source tables in order, `c`, `c1`… the caller's own tables, which are not checked.
Without a prefix the column must be allowed by every table of the run that has it, and one must have it.

But an alias is a word of the template, and which tables a run reads is its caller's choice: `c`, or the `p` of a source
table of the caller's own, may stand for a provider's view that came in by another way. And a column's name is a word of
the statement: `SELECT email AS id` makes a column that no policy knows. So a provider's view that has the column and
does not allow it is never overruled here, the caller's own table vouches for its own columns only, and each use is
handed on and asked again of what its names stand for in the statement itself (`column_guard`).

Runs inside the rendering sandbox; imports nothing but names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.naming import display, split_name

Policies = Mapping[str, Sequence[str]]
"""Exposed columns of one source table by policy: `join`, `column`, `activation`."""

FILTERS: Mapping[str, tuple[str, ...]] = {
    "join_policy": ("join",),
    "column_policy": ("column",),
    "activation_policy": ("activation",),
    "join_and_column_policy": ("join", "column"),
}
_PROVIDER = re.compile(r"P([1-9][0-9]{0,3})?\Z")
_OWN = re.compile(r"C([1-9][0-9]{0,3})?\Z")


class PolicyError(Exception):
    """A filter says no. `name` is the error's name as a client sees it."""

    def __init__(self, name: ErrorName, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.message = message


class Use(NamedTuple):
    """A column that a filter was asked for and whose owner the statement has to tell: `alias` and `column` folded.

    `alias`: "" where there is none. `forbidden`: some provider's view has the column and does not allow it. `vouched`:
    some provider's view has it and allows it.
    """

    filter: str
    alias: str
    column: str
    forbidden: bool
    vouched: bool


def check(
    filter_name: str,
    value: object,
    tables: Sequence[Policies],
    providers: Sequence[Policies],
    presets: Sequence[str],
) -> Use:
    """What has to be true of the column where its alias alone does not tell.

    Args:
        filter_name: one of `FILTERS`.
        value: what the filter was applied to; must be one column, with or without the alias of its table.
        tables: the policies of source_table[0], [1], …
        providers: the policies of every view of another party that the run can read, however it comes in.
        presets: folded aliases of the template's preset tables, which no filter can be applied to.

    Returns:
        The use, which may only stand if its names mean nothing else in the statement (`column_guard`).

    Raises:
        PolicyError: PolicyViolationError, or PresetTableUnsupportedReferenceError.
    """
    try:
        parts = split_name(value) if isinstance(value, str) else ()
    except ValueError:
        parts = ()
    if not 1 <= len(parts) <= 2:
        raise PolicyError(
            ErrorName.PolicyViolationError, f"{filter_name} is for the name of one column, not {_displayed(value)}"
        )
    column = parts[-1]
    if len(parts) == 1:
        owners = [table for table in (*tables, *providers) if _has(table, column)]
        if not owners or not all(allows(owner, filter_name, column) for owner in owners):
            raise refusal(filter_name, _displayed(value))
        return Use(filter_name, "", column, False, any(_has(provider, column) for provider in providers))
    if parts[0] in presets:
        raise PolicyError(
            ErrorName.PresetTableUnsupportedReferenceError,
            f"'{parts[0].lower()}' is pinned by this template via preset_table(s) "
            "and cannot be used as a Jinja variable or given a policy filter.",
        )
    if not _OWN.match(parts[0]) and not allows(_named(parts[0], tables, filter_name), filter_name, column):
        raise refusal(filter_name, _displayed(value))
    asked = [allows(provider, filter_name, column) for provider in providers if _has(provider, column)]
    return Use(filter_name, parts[0], column, not all(asked), any(asked))


def allows(table: Policies, filter_name: str, column: str) -> bool:
    """Whether a table's policies let a filter's column pass."""
    return any(column in table[policy] for policy in FILTERS[filter_name])


def refusal(filter_name: str, column: str, whose: str = "its data offering") -> PolicyError:
    """The error of a column that may not be used so."""
    label = filter_name.removesuffix("_policy").replace("_", " ")
    return PolicyError(ErrorName.PolicyViolationError, f"column {column} is not in the {label} policy of {whose}.")


def _named(prefix: str, tables: Sequence[Policies], filter_name: str) -> Policies:
    match = _PROVIDER.match(prefix)
    index = int(match[1] or 1) - 1 if match else len(tables)
    if index >= len(tables):
        raise PolicyError(
            ErrorName.PolicyViolationError,
            f"{filter_name}: the alias {display(prefix)} names no source table of this run; "
            f"{len(tables)} were given, as p1, p2, …",
        )
    return tables[index]


def _has(table: Policies, column: str) -> bool:
    """Whether a table has what DuckDB could take for the column: to it, case does not count."""
    return any(column.casefold() == name.casefold() for name in (*table["join"], *table["column"]))


def _displayed(value: object) -> str:
    text = value if isinstance(value, str) else type(value).__name__
    return repr(text[:80])
