"""One dataset of a registered offering, from what registration found out: its view and its policies."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from cleanroom_ml.naming import quote, quote_name


class ColumnDetail(TypedDict):
    """One column that is offered: `type` is what its values are checked for, None: nothing."""

    source: str
    name: str
    joinable: bool
    activation: bool
    type: str | None


class BoundPolicy(TypedDict):
    """A policy by its name, and the exposed columns that it is bound to, folded."""

    kind: str
    name: list[str]
    columns: list[str]


FreeformDetail = list[BoundPolicy]
"""What free-form SQL over a dataset keeps to. Where it was registered without it, nobody may query it so."""


class DatasetDetail(TypedDict):
    """What registering an offering finds out about one of its datasets."""

    source: list[str]
    columns: list[ColumnDetail]
    alias: str
    freeform: str
    policies: NotRequired[FreeformDetail]


def view_text(detail: DatasetDetail) -> str:
    """The query of the live view: the listed columns and no others, under the names that runners see."""
    columns = ", ".join(f"{quote(column['source'])} AS {quote(column['name'])}" for column in detail["columns"])
    return f"SELECT {columns} FROM {quote_name(tuple(detail['source']))}"


def policies_of(detail: DatasetDetail) -> dict[str, list[str]]:
    """The exposed columns by policy: join_* categories are the join policy, the others the column policy.

    Source: docs/api-digest.md §2.
    """
    columns = detail["columns"]
    return {
        "join": [column["name"] for column in columns if column["joinable"]],
        "column": [column["name"] for column in columns if not column["joinable"]],
        "activation": [column["name"] for column in columns if column["activation"]],
    }
