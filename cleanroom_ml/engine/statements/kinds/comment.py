"""COMMENT ON, which is read and refused: nothing here keeps a comment by itself."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.comment import Comment
from cleanroom_ml.engine.statements.kind import Kind
from cleanroom_ml.engine.statements.work import Work


def comment(work: Work, statement: Comment) -> Rows:
    """COMMENT ON. Raises SqlError, always."""
    raise SqlError.unsupported("Comment")


KINDS: Final = (Kind(Comment, comment),)
