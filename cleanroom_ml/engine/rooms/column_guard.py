"""Whose column a filtered name is: asked of what its alias stands for in the statement that is run.

`policies.check` passes a use on where some provider's view forbids the column, and the alias may or may not mean that
view. Resolution tells here what each alias of each statement of the run is, as it resolved it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cleanroom_ml.engine.rooms.policies import Use, allows, refusal
from cleanroom_ml.engine.rooms.views import ResolvedView
from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.naming import display


class ColumnGuard:
    """The uses that one run has to answer for.

    Args:
        uses: what rendering passed on.
        views: everything that the run can read.
        runner: whose own tables are not checked.
    """

    def __init__(self, uses: Sequence[Use], views: Iterable[ResolvedView], runner: str) -> None:
        self._uses = uses
        self._views = {resolved.view.name: resolved for resolved in views}
        self._runner = runner

    def on_alias(self, alias: str, name: tuple[str, ...] | None) -> None:
        """An alias of a statement stands for what the room's catalog knows as `name`.

        Raises:
            SqlError: PolicyViolationError: a provider's view that forbids a column which was named with this alias, or
            something that such a column may come from (a subquery, a common table, an internal table).
        """
        for use in self._uses:
            # Only what differs in case alone is the same to DuckDB.
            if use.alias.casefold() != alias.casefold():
                continue
            resolved = self._views.get((name[0], name[1], name[2])) if name is not None and len(name) == 3 else None
            if resolved is None:
                raise _refused(use, f"the views of this run, which {display(use.alias)} may hold columns of")
            if resolved.view.provider_account == self._runner:
                continue
            if not allows(resolved.policies, use.filter, use.column):
                raise _refused(use, f"{'.'.join(map(display, resolved.view.name))}, which {display(use.alias)} is here")

    def refuse_all(self) -> None:
        """For what has no aliases: a job reads every view of its run as it likes. Raises SqlError for any use."""
        for use in self._uses:
            raise _refused(use, "every view that the job can read")


def _refused(use: Use, whose: str) -> SqlError:
    error = refusal(use.filter, f"{display(use.alias)}.{display(use.column)}", whose)
    return room_error(error.name, error.message)
