"""How statements are recognised: each reader is a record of the words that lead to it.

A module of this package says in `FORMS` which statements it reads, in `OBJECTS` which kinds of object it knows (what
CREATE, ALTER, DROP, DESCRIBE, COMMENT and GRANT go by), and in `SHOWN` what else SHOW lists. `registry` finds them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Statement

Words = tuple[str, ...]
Reader = Callable[[Source], Statement]


@dataclass(frozen=True, slots=True)
class Form:
    """Statements that start with `words`; of two forms that fit, the longer one reads. Its cursor is at the start."""

    words: Words
    read: Reader


@dataclass(frozen=True, slots=True)
class Modifiers:
    """What stood between CREATE and the kind of object: OR REPLACE, and TEMPORARY, SECURE and the like."""

    or_replace: bool
    words: frozenset[str]

    @property
    def temporary(self) -> bool:
        """TEMP and its synonyms."""
        return bool(self.words & {"TEMP", "TEMPORARY", "VOLATILE"})


@dataclass(frozen=True, slots=True)
class ObjectForm:
    """A kind of object by its words (FILE FORMAT), and as SHOW lists it (FILE FORMATS).

    `create` and `alter` read on from behind these words; None: there is no such statement. `drop`: DROP takes it.
    """

    words: Words
    displayed: Words
    create: Callable[[Source, Modifiers], Statement] | None = None
    alter: Reader | None = None
    drop: bool = True

    @property
    def name(self) -> str:
        """The words as one text."""
        return " ".join(self.words)
