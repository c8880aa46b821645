"""Which statements which kind of session may send at all. What is not listed is refused before it is looked at."""

from __future__ import annotations

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.block import Block
from cleanroom_ml.engine.sql.read.copy_into import CopyInto
from cleanroom_ml.engine.sql.read.describe import Describe
from cleanroom_ml.engine.sql.read.dml import Delete, Insert, Merge, Update
from cleanroom_ml.engine.sql.read.drop import Drop
from cleanroom_ml.engine.sql.read.file_format import CreateFileFormat
from cleanroom_ml.engine.sql.read.query import InferSchema, Query
from cleanroom_ml.engine.sql.read.session import AlterSession, SetVariable, UnsetVariable
from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.sql.read.stage import CreateStage
from cleanroom_ml.engine.sql.read.stage_files import Get, ListFiles, Put, Remove
from cleanroom_ml.engine.sql.read.statement import Statement
from cleanroom_ml.engine.sql.read.table import AlterTable, CreateTable, Truncate
from cleanroom_ml.engine.sql.read.transaction import Begin, Commit, Rollback
from cleanroom_ml.engine.sql.read.use import Use

# Jobs, and templates as they run in a room. No CALL, no GRANT, nothing that makes or leaves a namespace. Of stages,
# the catalog of a room has those that the session itself made (see `stage_reader`).
_ROOM: frozenset[type[Statement]] = frozenset(
    {
        AlterSession, AlterTable, Begin, Block, Commit, CopyInto,
        CreateFileFormat, CreateStage, CreateTable, Delete, Describe, Drop,
        Get, InferSchema, Insert, ListFiles, Merge, Put, Query, Remove,
        Rollback, SetVariable, Show, Truncate, UnsetVariable, Update, Use,
    }
)  # fmt: skip
_ROOM_DROPS = frozenset({"TABLE", "STAGE", "FILE FORMAT"})
_ROOM_DESCRIBES = frozenset({"TABLE", "VIEW", "STAGE"})
_ROOM_USES = frozenset({"DATABASE", "SCHEMA", "SECONDARY ROLES"})


# A template runs in its caller's own session: what it sets there would stay after it, and be out of the room.
_STAYS = (AlterSession, SetVariable, UnsetVariable, Use)

# PUT and GET are carried out by the client that sends them; nobody does that for a template's.
_CLIENTS = (Get, Put)


def check_template(statement: Statement) -> None:
    """Refuses what a template, or a part of one, may not do to the session that it runs in.

    Raises:
        SqlError: the statement changes the session, or moves files of the caller's.
    """
    if isinstance(statement, (*_STAYS, *_CLIENTS)):
        raise SqlError.unsupported(f"{_spoken(statement)} in a template")


def check(statement: Statement, *, restricted: bool) -> None:
    """Refuses what a session of a job or a room may not send; other sessions are bounded by their catalog alone.

    Raises:
        SqlError: the statement is not for this kind of session.
    """
    if not restricted:
        return
    allowed = type(statement) in _ROOM
    match statement:
        case Drop():
            allowed = statement.kind in _ROOM_DROPS
        case Describe():
            allowed = statement.kind in _ROOM_DESCRIBES
        case Use():
            allowed = statement.kind in _ROOM_USES
        case CreateStage() | CreateFileFormat():
            allowed = statement.temporary
        case Show():
            allowed = True
    if not allowed:
        raise SqlError.unsupported(f"{_spoken(statement)} in a clean room")


def _spoken(statement: Statement) -> str:
    """`CreateView` → `CREATE VIEW`, with the kind that the statement names."""
    words = "".join(f" {letter}" if letter.isupper() else letter for letter in type(statement).__name__)
    kind = getattr(statement, "kind", "")
    return f"{words.strip().upper()} {kind}".strip()
