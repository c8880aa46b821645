"""Policy filters: whether a column that a template's caller named may be used the way the filter says.

Rule (custom-templates, "Required table aliases" and "Enforcing clean room policies"): the alias prefix says whose
column it is, `p`/`p1`, `p2`… the source tables in order, `c`, `c1`… the caller's own tables, which are not checked.
Without a prefix the column must be allowed by every source table that has it, and one must have it.

Runs inside the rendering sandbox; imports nothing but names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

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

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.message = message


def check(filter_name: str, value: object, tables: Sequence[Policies], presets: Sequence[str]) -> None:
    """Do nothing where the column may be used.

    Args:
        filter_name: one of `FILTERS`.
        value: what the filter was applied to; must be one column, with or without the alias of its table.
        tables: the policies of source_table[0], [1], …
        presets: folded aliases of the template's preset tables, which no filter can be applied to.

    Raises:
        PolicyError: PolicyViolationError, or PresetTableUnsupportedReferenceError.
    """
    try:
        parts = split_name(value) if isinstance(value, str) else ()
    except ValueError:
        parts = ()
    if not 1 <= len(parts) <= 2:
        raise PolicyError("PolicyViolationError", f"{filter_name} is for the name of one column, not {_shown(value)}")
    column = parts[-1]
    if len(parts) == 2 and _OWN.match(parts[0]):
        return
    if parts[0] in presets and len(parts) == 2:
        raise PolicyError(
            "PresetTableUnsupportedReferenceError",
            f"'{parts[0].lower()}' is pinned by this template via preset_table(s) "
            "and cannot be used as a Jinja variable or given a policy filter.",
        )
    owners = (
        [_named(parts[0], tables, filter_name)] if len(parts) == 2 else [t for t in tables if column in _columns(t)]
    )
    if not owners or not all(column in _allowed(owner, filter_name) for owner in owners):
        label = filter_name.removesuffix("_policy").replace("_", " ")
        raise PolicyError(
            "PolicyViolationError", f"column {_shown(value)} is not in the {label} policy of its data offering."
        )


def _named(prefix: str, tables: Sequence[Policies], filter_name: str) -> Policies:
    match = _PROVIDER.match(prefix)
    index = int(match[1] or 1) - 1 if match else len(tables)
    if index >= len(tables):
        raise PolicyError(
            "PolicyViolationError",
            f"{filter_name}: the alias {display(prefix)} names no source table of this run; "
            f"{len(tables)} were given, as p1, p2, …",
        )
    return tables[index]


def _columns(table: Policies) -> set[str]:
    return {*table["join"], *table["column"]}


def _allowed(table: Policies, filter_name: str) -> set[str]:
    return {name for policy in FILTERS[filter_name] for name in table[policy]}


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else type(value).__name__
    return repr(text[:80])
