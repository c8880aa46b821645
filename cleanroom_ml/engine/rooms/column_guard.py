"""Whose column a filtered name is: asked of what its names stand for in the statement that is run.

Resolution tells here what each alias of each statement of the run is, as it resolved it, and each name that a statement
gives to something that is no column of that name: `SELECT email AS id` makes an `id` of what may not be used.
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
        # Uses that may mean what the statements made, and the names that they gave to it.
        self._loose = {use for use in uses if not use.alias}
        self._called: set[str | None] = set()

    def on_alias(self, alias: str, name: tuple[str, ...] | None) -> None:
        """An alias of a statement stands for what the room's catalog knows as `name`.

        Raises:
            SqlError: PolicyViolationError: a provider's view that forbids a column which was named with this alias, or
            something that such a column may come from (a subquery, a common table, an internal table).
        """
        resolved = self._views.get((name[0], name[1], name[2])) if name is not None and len(name) == 3 else None
        for use in self._uses:
            # Only what differs in case alone is the same to DuckDB.
            if use.alias and use.alias.casefold() != alias.casefold():
                continue
            if resolved is None:
                if use.forbidden:
                    raise _refused(use, f"the views of this run, which {display(use.alias)} may hold columns of")
                if name is not None and not use.vouched:
                    raise _refused(use, f"an internal table, which {display(alias)} is here")
                self._loose.add(use)
                self._ask(use)
            elif use.alias and not self._allows(resolved, use):
                where = f"{'.'.join(map(display, resolved.view.name))}, which {display(use.alias)} is here"
                raise _refused(use, where)

    def on_column(self, column: str | None) -> None:
        """A statement calls something by this name; None: it could be any name.

        Raises:
            SqlError: PolicyViolationError: a filter was asked for a column of that name, which may mean this.
        """
        self._called.add(None if column is None else column.casefold())
        for use in self._loose:
            self._ask(use)

    def _allows(self, resolved: ResolvedView, use: Use) -> bool:
        return resolved.view.provider_account == self._runner or allows(resolved.policies, use.filter, use.column)

    def _ask(self, use: Use) -> None:
        if self._called & {None, use.column.casefold()}:
            raise _refused(use, f"the views of this run: the statement itself calls something {display(use.column)}")

    def refuse_all(self) -> None:
        """For what has no aliases: a job reads every view of its run as it likes. Raises SqlError for any use that a
        provider's view forbids.
        """
        for use in self._uses:
            if use.forbidden:
                raise _refused(use, "every view that the job can read")


def _refused(use: Use, whose: str) -> SqlError:
    displayed = ".".join(display(part) for part in (use.alias, use.column) if part)
    error = refusal(use.filter, displayed, whose)
    return room_error(error.name, error.message)
