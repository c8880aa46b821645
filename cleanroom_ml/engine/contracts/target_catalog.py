"""Names that also say where something new lands: what a room gives to whoever runs its statements."""

from __future__ import annotations

from typing import Protocol, TypeVar

from cleanroom_ml.engine.sql.catalog import Catalog

Place = TypeVar("Place", covariant=True)


class TargetCatalog(Catalog, Protocol[Place]):
    """The names of an account or of a room: what may be read, and where something new may land (a `Place`: storage's
    key of it).

    A catalog that also has `staged` and `directory` (`sql.catalog.StageCatalog`) lets queries read stages.
    """

    def target(self, parts: tuple[str, ...], kind: str) -> Place:
        """Where a name that is created, changed or dropped lands. `kind` is TABLE, VIEW, STAGE or FILE FORMAT.

        The database and schema exist and belong to this catalog; whether the thing itself exists is not said.

        Raises:
            SqlError: not found, for everything that is not this catalog's.
        """
