"""What is said of a page to run it: who runs which part, what its placeholders stand for, what it takes as given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CLEANROOMS = "szeno/snowflake-docs/markdown/en/user-guide/cleanrooms"
FIELD = "arzamuhammad/dcr-collaboration-api"
API = "SAMOOHA_BY_SNOWFLAKE_LOCAL_DB"


@dataclass(frozen=True, slots=True)
class Found:
    """A value that only the engine knows: the column of the first row of what `ask` answers where `where` holds."""

    ask: str
    column: str
    where: Mapping[str, str] = field(default_factory=dict)
    patience_s: float = 0
    """For how long to ask again where no row fits."""


@dataclass(frozen=True, slots=True)
class Part:
    """Blocks `first` to `last` of a page, or one piece of a block, in the role of a party."""

    party: str
    first: int
    last: int
    piece: int | None = None
    given: tuple[tuple[str, str], ...] = ()
    """(party, statement), before the part."""
    variables: Mapping[str, str | Found] = field(default_factory=dict)
    """Variables of the session that the part takes as set."""
    values: Mapping[str, str | Found] = field(default_factory=dict)
    """Placeholders that stand for something else in this part."""
    opening: tuple[str, ...] = ()
    """Statements of the party's own session, before the part."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page below the directory of pages. Without `parts` all of it is run by the first party, in its order.

    In values and in what is given, `{party}` is the account of a party.
    """

    path: str
    parties: tuple[str, ...] = ("me",)
    parts: tuple[Part, ...] = ()
    values: Mapping[str, str | Found] = field(default_factory=dict)
    given: tuple[tuple[str, str], ...] = ()
    """(party, statement), before the page."""
    cuts: tuple[str, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
    """What part of a statement, and why that statement cannot run as it is printed."""
    refusals: Mapping[str, str] = field(default_factory=dict)
    """What part of a statement of which the page says that it fails, and what its error has to have in it."""
    files: tuple[str, ...] = ()
    """Files that the page puts on a stage."""
    more: tuple[str, ...] = ()
    """Further files of the same page: worksheets of other parties, each a block more."""
    downloads: str = ""
    """What the page has for download only, which is not on it."""

    @property
    def name(self) -> str:
        """The page as the table calls it."""
        return self.path.removeprefix(CLEANROOMS + "/").removeprefix("arzamuhammad/")
