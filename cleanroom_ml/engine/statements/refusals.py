"""Storage's errors as the errors that a client sees."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.statement import Statement, spoken
from cleanroom_ml.engine.storage import errors
from cleanroom_ml.naming import display

_UNNAMED: Final = "Cannot perform operation."


def displayed(parts: tuple[str, ...]) -> str:
    """A folded name as a message shows it."""
    return ".".join(display(part) for part in parts)


def single(name: tuple[str, ...]) -> str:
    """The one part of a name that has no database or schema. Raises SqlError."""
    if len(name) != 1:
        raise SqlError.syntax(f"Invalid identifier {displayed(name)}")
    return name[0]


def no_current(what: str) -> SqlError:
    """A name that is not qualified, in a session without a current database or schema."""
    return SqlError(
        90105 if what == "database" else 90106,
        "22000",
        f"{_UNNAMED} This session does not have a current {what}. Call 'USE {what.upper()}', or use a qualified name.",
    )


def named_in(error: SqlError, statement: Statement) -> SqlError:
    """The same refusal of a session without a current database, with what it was that cannot be performed."""
    if error.code not in {90105, 90106} or not error.message.startswith(_UNNAMED):
        return error
    kind = getattr(statement, "kind", "")
    words = spoken(statement).removesuffix(f" {kind}") if kind else spoken(statement)
    words = {"QUERY": "SELECT"}.get(words, words)
    words = words if not kind or words.endswith(kind) else f"{words} {kind}"
    return SqlError(error.code, error.sqlstate, f"Cannot perform {words}.{error.message.removeprefix(_UNNAMED)}")


def insufficient(reason: str) -> SqlError:
    """Something that exists for everybody to see, and that this session may not do."""
    return SqlError(3001, "42501", f"SQL access control error:\nInsufficient privileges: {reason}")


def no_privilege(kind: str, name: str) -> SqlError:
    """A thing that is there for the session's roles, which may not do this with it."""
    return SqlError(
        3001, "42501", f"SQL access control error:\nInsufficient privileges to operate on {kind.lower()} '{name[:200]}'"
    )


def dependent(privilege: str, name: str, grantee: str) -> SqlError:
    """What was passed on, and is not taken back without that."""
    return SqlError(
        3036,
        "23001",
        f"SQL execution error: Dependent grant of privilege '{privilege}' on securable '{name[:200]}' to role "
        f"'{display(grantee)}' exists. It must be revoked first, or with this one: REVOKE … CASCADE. More than one "
        "dependent grant may exist: use 'SHOW GRANTS' command to view them.",
    )


def exhausted(name: tuple[str, ...]) -> SqlError:
    """A sequence whose next number is none of 64 bits."""
    return SqlError(
        100039,
        "22003",
        f"Sequence '{displayed(name)}' has no more numbers of 64 bits: make one with a smaller start or increment.",
    )


def busy() -> SqlError:
    """A compare-and-swap that lost too many times."""
    return SqlError(
        625, "57014", "Other statements changed the table while this one ran, several times over. Run it again."
    )


@contextmanager
def translated(name: tuple[str, ...]) -> Iterator[None]:
    """Turns storage's refusals into SqlErrors that name what the client wrote, `name`, and nothing else.

    SnapshotConflict and RequestMismatch pass: they are for the caller to act on.
    """
    try:
        yield
    except errors.NotFound as error:
        raise SqlError.not_found(error.kind, displayed(name)) from error
    except errors.AlreadyExists as error:
        raise SqlError.already_exists(error.kind, displayed(name)) from error
    except (errors.InvalidName, errors.InvalidPath) as error:
        raise SqlError.syntax(f"Invalid name: {error}.") from error
    except errors.IllegalState as error:
        raise SqlError.cancelled() from error
    except errors.SessionGone as error:
        raise SqlError(
            390111, "08001", "Session no longer exists. New login required to access the service."
        ) from error
