"""What a command hands to the renderer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Output:
    """The outcome of a command.

    `data` is what machines read: a dataclass, a mapping, or a sequence of these (one row each); its field names are
    stable. `text` is what people read instead of a table. `hints` go to standard error: what to type next. `columns`
    are a table's own, which it has without a row as well. `verbatim`: the cells are somebody's data, and a text in them
    that is JSON is shown as it is.
    """

    data: object
    text: str | None = None
    hints: tuple[str, ...] = ()
    exit_code: int = 0
    columns: tuple[str, ...] = ()
    verbatim: bool = False
