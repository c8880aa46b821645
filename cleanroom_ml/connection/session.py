"""One open connection: statements in, rows out, errors as ours. The connector is imported when it connects."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout, suppress
from decimal import Decimal
from io import StringIO
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, SupportsIndex, overload

from cleanroom_ml.connection.capabilities import OWN_DATABASE, Capabilities
from cleanroom_ml.connection.credentials import for_connector
from cleanroom_ml.connection.driver import rows_only_connector
from cleanroom_ml.connection.errors import from_connector
from cleanroom_ml.connection.literals import literal
from cleanroom_ml.connection.opening import with_tag, without_secondary_roles
from cleanroom_ml.connection.placeholders import filled
from cleanroom_ml.connection.target import Target
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.errors import CleanroomError, ConnectError, ServerError
from cleanroom_ml.naming import ROOM_DATABASE, display

if TYPE_CHECKING:
    from snowflake.connector import SnowflakeConnection
    from snowflake.connector.cursor import SnowflakeCursor

DATABASE: Final = ROOM_DATABASE

RETRY_SECONDS: Final = 60.0

Row = dict[str, object]
"""A row by the names of its columns: what the driver makes of a value is by its column's type."""
Values = tuple[object, ...]
"""The same without the names."""


class _Answered(Row):
    """A row as a target has answered it: a column that it leaves out is the target's refusal, and no defect of ours."""

    def __missing__(self, column: str) -> object:
        raise ServerError(
            f"the target's answer has no column {column.upper()}",
            why=f"it has {', '.join(name.upper() for name in self) or 'no columns'}",
            fix="cleanroom-ml doctor -c NAME  shows which version of the clean rooms answers",
        )


def with_more(row: Row, more: Mapping[str, object]) -> Row:
    """A row with other values, or further ones; what a target's answer lacks is still its own refusal."""
    return type(row)({**row, **more})


class _Rows(list[Row]):
    """All rows of an answer: one that was to have some and has none is the target's refusal, too."""

    @overload
    def __getitem__(self, at: SupportsIndex) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> list[Row]: ...
    def __getitem__(self, at: SupportsIndex | slice) -> Row | list[Row]:
        try:
            return super().__getitem__(at)
        except IndexError:
            raise ServerError(
                "the target's answer has no rows",
                why="it says neither that it has done it, nor why not",
                fix="cleanroom-ml doctor -c NAME  shows which version of the clean rooms answers",
            ) from None


def whole_number(value: object) -> int:
    """A value of a column of whole numbers. Raises ServerError: it is none."""
    try:
        if isinstance(value, int | float | Decimal | str):
            return int(value)
    except (ValueError, OverflowError):
        pass
    raise ServerError(f"the target's answer has {str(value)[:40]!r} where a whole number is to be")


class Connection:
    """A logged-in session on the target. Rows are dictionaries with lower-case keys.

    Every method raises the errors of `cleanroom_ml.errors`; a statement is sent as finished text, without bindings, and
    `observer`, if given, is told each one (the golden file of the commands' SQL is made from it). `before_call`, if
    set, is asked before each procedure is called, with its name and its arguments; what it raises prevents the call.
    `capabilities` is what the target can do; `kept_secondary_roles` what it said where it did not turn them off.
    """

    def __init__(
        self, target: Target, connection: SnowflakeConnection, *, observer: Callable[[str], None] | None = None
    ) -> None:
        self.target = target
        self._connection = connection
        self.observer = observer
        self.before_call: Callable[[str, tuple[object, ...]], None] | None = None
        self.capabilities = Capabilities(self.execute)
        self.kept_secondary_roles: ServerError | None = None

    def begin(self) -> None:
        """What every session begins with (see `opening`). Raises CommunicationError, and is closed then."""
        try:
            self.kept_secondary_roles = without_secondary_roles(self.execute)
        except BaseException:
            self.close()
            raise

    def execute(self, sql: str) -> list[Row]:
        """Run one statement and fetch all its rows (metadata-sized results)."""
        with self._cursor(sql) as cursor:
            columns = [column.name.lower() for column in cursor.description or ()]
            return _Rows(_Answered(zip(columns, row, strict=True)) for row in cursor.fetchall())

    def query(self, sql: str) -> tuple[tuple[str, ...], list[Values]]:
        """Run one statement: the names of its columns, as the server tells them, and all its rows."""
        with self._cursor(sql) as cursor:
            return tuple(column.name for column in cursor.description or ()), [tuple(row) for row in cursor.fetchall()]

    def call(self, procedure: str, *arguments: object) -> list[Row]:
        """`CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.<procedure>(…)`, e.g. `call("COLLABORATION.JOIN", name)`."""
        if self.before_call is not None:
            self.before_call(procedure, arguments)
        try:
            return self.execute(
                f"CALL {DATABASE}.{procedure}({', '.join(literal(argument) for argument in arguments)})"
            )
        except CleanroomError as error:
            if error.what.startswith(ErrorName.CollaborationNotFoundException) and self.target.parameters.get("role"):
                # A collaboration of which a role has no privilege is not there for it, whoever is a part of it.
                error.fix = f"{error.fix}; or the role has no privilege of it: cleanroom-ml grant READ --to <role>"
            if error.fix and arguments and procedure.startswith("COLLABORATION."):
                error.fix = filled(error.fix, {"collaboration": arguments[0]})
            raise

    def call_own(self, procedure: str, *arguments: object) -> list[Row] | None:
        """The same of what only some targets have, `CALL CLEANROOM_ML.<procedure>(…)`; None: this one has no such
        procedure (`capabilities`), and is not asked for it.
        """
        if not self.capabilities.has_procedure(procedure):
            return None
        return self.execute(
            f"CALL {OWN_DATABASE}.{procedure}({', '.join(literal(argument) for argument in arguments)})"
        )

    def scalar(self, procedure: str, *arguments: object) -> object:
        """The first column of the first row of a call; None if it returned no row."""
        rows = self.call(procedure, *arguments)
        return next(iter(rows[0].values())) if rows else None

    def put(self, file: Path, stage_path: str) -> None:
        """Upload one file uncompressed, replacing what was there."""
        quoted = f"file://{file.absolute().as_posix()}".replace("\\", "\\\\").replace("'", "\\'")
        self.execute(f"PUT '{quoted}' {stage_path} AUTO_COMPRESS=FALSE OVERWRITE=TRUE")

    def stream(self, sql: str) -> Iterator[Values]:
        """The rows of a query one by one, never all of them in memory."""
        with self._cursor(sql) as cursor:
            yield from cursor

    def cursor(self) -> SnowflakeCursor:
        """The connector's own cursor, for whoever wants the driver itself."""
        return self._connection.cursor()

    @contextmanager
    def _cursor(self, sql: str) -> Iterator[SnowflakeCursor]:
        from snowflake.connector.errors import Error

        if self.observer is not None:
            self.observer(sql)
        cursor = self._connection.cursor()
        try:
            cursor.execute(sql)
            yield cursor
        except Error as error:
            raise from_connector(error) from error
        finally:
            cursor.close()

    def with_names(self, fix: str) -> str:
        """A remedy with what this session knows in the place of what it leaves open (`<role>`, see `placeholders`)."""
        known: dict[str, object] = {"role": getattr(self._connection, "role", None), "connection": self.target.name}
        if "<user>" in fix:  # who logs in by an address has another name
            with suppress(CleanroomError):
                known["user"] = display(str(self.execute("SELECT CURRENT_USER() AS NAME")[0]["name"]))
        return filled(fix, known)

    def close(self) -> None:
        """Log out; closing twice is fine."""
        self._connection.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, CleanroomError) and error.fix:
            error.fix = self.with_names(error.fix)
        self.close()


def connect(target: Target, *, observer: Callable[[str], None] | None = None, rows_only: bool = False) -> Connection:
    """Log in. The embedded engine proves that it is the home's own before it is sent anything.

    Args:
        rows_only: this process never asks for pandas results, so that they need not be loaded (see `driver`).

    Raises:
        ConnectError: the target is not there, is not what it claims to be, or refuses the credentials.
    """
    if target.kind == "engine":
        _verify_engine(target)
    import logging

    logging.getLogger("snowflake.connector").setLevel(logging.CRITICAL)
    own = target.parameters if target.kind == "engine" else for_connector(target.name, target.parameters)
    parameters: dict[str, object] = {"login_timeout": 60, "client_session_keep_alive": True, **own}
    parameters = with_tag({**parameters, "application": "cleanroom_ml"})
    if target.kind != "snowflake":
        parameters["backoff_policy"] = pauses
        parameters["platform_detection_timeout_seconds"] = 0.0  # nothing in a cloud is asked who we are
    if rows_only and str(parameters.get("authenticator", "")).upper() != "WORKLOAD_IDENTITY":
        rows_only_connector()
    import snowflake.connector
    from snowflake.connector.errors import Error

    try:
        if target.kind == "engine":
            parameters = _with_loaded_key(parameters)
        with _out_of_the_way(parameters):
            opened = Connection(target, snowflake.connector.connect(**parameters))
    except Error as error:
        refused = from_connector(error, connecting=True)
        if refused.fix:
            refused.fix = filled(refused.fix, {"user": target.parameters.get("user"), "connection": target.name})
        raise refused from error
    except (OSError, TypeError, ValueError) as error:
        # What the connector does not turn into an error of its own: a key file that is missing, or cannot be read.
        raise ConnectError(
            f"the connection {target.name!r} cannot be used",
            why=str(error) or type(error).__name__,
            fix=f"cleanroom-ml connection explain {target.name}",
        ) from error
    opened.begin()
    opened.observer = observer
    return opened


def pauses() -> Iterator[float]:
    """Seconds between the tries of one request to an engine; the connector alone would try without end.

    An engine that was restarted is back in seconds. One that was stopped never is, and somebody may wait for a job.

    Raises:
        OperationalError: it has not answered for RETRY_SECONDS.
    """
    from snowflake.connector.errors import OperationalError

    waited, pause = 0.0, 0.5
    while waited < RETRY_SECONDS:
        yield pause
        waited, pause = waited + pause, min(2 * pause, 4.0)
    raise OperationalError(f"the server has not answered for {RETRY_SECONDS:g} s: it was stopped, or does not run well")


_IN_A_BROWSER: Final = frozenset({"EXTERNALBROWSER", "OAUTH_AUTHORIZATION_CODE"})


def _out_of_the_way(parameters: Mapping[str, object]) -> AbstractContextManager[object]:
    """A login in the browser tells its progress to standard output, which is for data.

    Only such a login: standard output is the process' own, and other threads connect meanwhile.
    """
    talks = str(parameters.get("authenticator", "")).upper() in _IN_A_BROWSER
    return redirect_stdout(sys.stderr or StringIO()) if talks else nullcontext()


def _with_loaded_key(parameters: dict[str, object]) -> dict[str, object]:
    """The same parameters with the key itself in the place of its file.

    The connector loads it twice, and each time proves that its primes are prime: 0.1 s of every command on a quiet
    machine. The keys of the engine's accounts were made here (local/keys.py), in files that only this person can write.
    """
    file = parameters.get("private_key_file")
    if not isinstance(file, str) or parameters.get("private_key_file_pwd") is not None:
        return parameters
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    content = Path(file).expanduser().read_bytes()
    key = load_pem_private_key(content, None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, RSAPrivateKey):
        return parameters
    return {**{name: value for name, value in parameters.items() if name != "private_key_file"}, "private_key": key}


def _verify_engine(target: Target) -> None:
    from cleanroom_ml.connection.engine_identity import verify_engine

    if target.home is None:
        raise ConnectError(f"the connection {target.name!r} of the embedded engine has no home")
    parameters = target.parameters
    try:
        port = int(str(parameters.get("port", 0)))
    except ValueError as error:
        raise ConnectError(
            f"the port of the connection {target.name!r} is no number",
            why=repr(parameters["port"]),
            fix=f"cleanroom-ml connection explain {target.name}",
        ) from error
    verify_engine(target.home, host=str(parameters.get("host", "127.0.0.1")), port=port)
