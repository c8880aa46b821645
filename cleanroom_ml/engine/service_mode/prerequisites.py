"""What the service wants before it does something: a session without secondary roles, grants, a whole profile."""

from __future__ import annotations

import re
import threading
from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.service_mode.asked import Asked, Plain
from cleanroom_ml.engine.service_mode.standing import Stop, Stops
from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.engine.statements.results import StatementResult, success
from cleanroom_ml.error_names import ErrorName

_NEED_NONE: Final = frozenset({"JOIN", "LINK_DATA_OFFERING", "LINK_LOCAL_DATA_OFFERING", "REGISTER_DATA_OFFERING"})
_NO_SECONDARY: Final = "USE SECONDARY ROLES NONE"
_TABLE: Final = re.compile(r"data_object_fqn:[ \t]*['\"]?([A-Za-z_]\w{0,254})\.")
_TO_ROLE: Final = re.compile(r"GRANT REFERENCE_USAGE ON DATABASE (\w+) TO ROLE \"?\w+\"? WITH GRANT OPTION;?\Z")
_TO_SHARE: Final = re.compile(r"GRANT REFERENCE_USAGE ON DATABASE (\w+) TO SHARE SCO_\w+;?\Z")
_PASSED_ON: Final = re.compile(
    r"GRANT (USAGE ON DATABASE|USAGE ON (?:ALL SCHEMAS IN DATABASE|SCHEMA)|"
    r"SELECT ON (?:ALL TABLES IN DATABASE|ALL TABLES IN SCHEMA|TABLE|VIEW))"
    r' ([\w.$"]+) TO ROLE "?\w+"? WITH GRANT OPTION;?\Z'
)
_KIND: Final = {
    **dict.fromkeys(("USAGE ON DATABASE",), "the database"),
    **dict.fromkeys(("USAGE ON ALL SCHEMAS IN DATABASE", "USAGE ON SCHEMA"), "its schemas"),
    **dict.fromkeys(
        tuple(f"SELECT ON {each}" for each in ("ALL TABLES IN DATABASE", "ALL TABLES IN SCHEMA", "TABLE", "VIEW")),
        "its tables",
    ),
}
_OFFERING_ID: Final = tuple(rf"^{key}:[ \t]*['\"]?([A-Za-z0-9_]+)" for key in ("name", "version"))
_PROFILE: Final = ("FIRST_NAME", "LAST_NAME", "EMAIL")
NO_PROFILE: Final = (
    "Please add your first/last name and email to your user profile in the Snowsight UI or use the SQL "
    "command ALTER USER <user name> to set first_name, last_name, and email."
)
_NOT_INSTALLED: Final = Stop("INSTALLATION_FAILED", f"090655 (P0002): {NO_PROFILE}", frozenset({"REVIEW"}))


class SecondaryRoles(Plain):
    """A session begins with its user's secondary roles."""

    def __init__(self) -> None:
        self._without: set[str] = set()

    def before(self, asked: Asked) -> Rows | None:
        """Refuses what must not be done with secondary roles."""
        if asked.procedure in _NEED_NONE and asked.session.id not in self._without:
            raise room_error(
                ErrorName.SecondaryRolesNotSupported,
                "Secondary roles must be disabled before calling this procedure. Run 'USE SECONDARY ROLES NONE' and "
                "try again.",
            )
        return None

    def after(self, asked: Asked, result: StatementResult) -> StatementResult:
        """Keeps what the session chose."""
        if asked.words.rstrip("; ") == _NO_SECONDARY:
            self._without.add(asked.session.id)
        elif asked.words.startswith("USE SECONDARY ROLES"):
            self._without.discard(asked.session.id)
        return result


class RestrictedToken(SecondaryRoles):
    """The session's token is for one role: there are no other roles, and none can be used."""

    def before(self, asked: Asked) -> Rows | None:
        """Refuses USE of roles; such a session has no secondary ones."""
        if asked.words.startswith(("USE ROLE", "USE SECONDARY ROLES")):
            message = "SQL execution error: Current session is restricted. USE ROLE not allowed."
            raise SqlError(3107, "42501", message)
        return None


class MissingGrants(Plain):
    """REFERENCE_USAGE: with grant option to register a table, to the room's share to join with it."""

    def __init__(self) -> None:
        self._of_role: set[tuple[str, str]] = set()
        self._of_share: set[tuple[str, str]] = set()
        self._offered: dict[str, set[str]] = {}
        self._lock = threading.Lock()

    def before(self, asked: Asked) -> Rows | None:
        """Takes the grants; refuses what lacks them."""
        for pattern, held in ((_TO_ROLE, self._of_role), (_TO_SHARE, self._of_share)):
            if match := pattern.match(asked.words):
                with self._lock:
                    held.add((asked.account, match[1]))
                return success()
        if asked.procedure == "REGISTER_DATA_OFFERING" and asked.args:
            self._registering(asked, {name.upper() for name in _TABLE.findall(str(asked.args[-1]))})
        if asked.procedure in ("JOIN", "LINK_DATA_OFFERING"):
            self._sharing(asked)
        return None

    def _registering(self, asked: Asked, databases: set[str]) -> None:
        role = asked.session.role
        for database in sorted(databases):
            if (asked.account, database) not in self._of_role:
                raise room_error(
                    ErrorName.DatasetReferenceUsageWithGrantOptionMissingError,
                    f"The current role '\"{role}\"' does not have REFERENCE_USAGE WITH GRANT OPTION on database "
                    f"'{database}'. To proceed, switch to a role with sufficient privileges (such as the database "
                    f"owner or ACCOUNTADMIN) and either register the database by calling register_db('{database}') or "
                    f'run: GRANT REFERENCE_USAGE ON DATABASE {database} TO ROLE "{role}" WITH GRANT OPTION;',
                )
        with self._lock:
            self._offered.setdefault(asked.account, set()).update(databases)

    def _sharing(self, asked: Asked) -> None:
        with self._lock:
            offered = sorted(self._offered.get(asked.account, ()))
            missing = [each for each in offered if (asked.account, each) not in self._of_share]
        if missing:
            grants = " ".join(
                f"GRANT REFERENCE_USAGE ON DATABASE {each} TO SHARE SCO_DATA_OFFERINGS_{asked.room};"
                for each in missing
            )
            message = f"Reference usage grants are required for the following databases: {missing}. Run: {grants}"
            raise room_error(ErrorName.ReferenceUsageGrantMissingException, message)


class GrantOption(Plain):
    """Linking passes privileges on: USAGE on database and schemas and SELECT on the tables, each with grant option."""

    def __init__(self) -> None:
        self._held: set[tuple[str, str, str]] = set()
        self._databases: dict[tuple[str, str], set[str]] = {}
        self._lock = threading.Lock()

    def before(self, asked: Asked) -> Rows | None:
        """Takes the grants; refuses what lacks them."""
        if match := _PASSED_ON.match(asked.words):
            with self._lock:
                self._held.add((asked.account, _KIND[match[1]], match[2].partition(".")[0].strip('"')))
            return success()
        if asked.procedure in ("LINK_DATA_OFFERING", "LINK_LOCAL_DATA_OFFERING") and len(asked.args) > 1:
            with self._lock:
                databases = self._databases.get((asked.account, str(asked.args[1]).upper()), set())
                needed = {(asked.account, kind, each) for each in databases for kind in _KIND.values()}
                if needed - self._held:
                    raise SqlError(3102, "42501", "Grant not executed: Insufficient privileges.")
        return None

    def after(self, asked: Asked, result: StatementResult) -> StatementResult:
        """Keeps which databases an offering is of."""
        if asked.procedure == "REGISTER_DATA_OFFERING" and asked.args:
            spec = str(asked.args[-1])
            named, version = (re.search(pattern, spec, re.MULTILINE) for pattern in _OFFERING_ID)
            if named and version:
                with self._lock:
                    key = (asked.account, f"{named[1]}_{version[1]}".upper())
                    self._databases[key] = {name.upper() for name in _TABLE.findall(spec)}
        return result


class IncompleteProfile(Stops):
    """Who reviews and joins accepts legal terms, under a name."""

    def __init__(self) -> None:
        super().__init__()
        self._whole: set[tuple[str, str]] = set()

    def before(self, asked: Asked) -> Rows | None:
        """Takes the profile; refuses to join without."""
        user = (asked.account, asked.session.user)
        if asked.words.startswith("ALTER USER ") and all(each in asked.words for each in _PROFILE):
            self._whole.add(user)
            return success()
        super().before(asked)
        if asked.procedure == "JOIN" and user not in self._whole:
            raise SqlError(90655, "P0002", NO_PROFILE)
        return None

    def after(self, asked: Asked, result: StatementResult) -> StatementResult:
        """What was reviewed without is not installed; reviewed again, under the same name, it is."""
        if asked.procedure == "REVIEW":
            key = (asked.account, asked.room)
            with self._lock:
                if (asked.account, asked.session.user) in self._whole:
                    self._stops.pop(key, None)
                else:
                    self._stops[key] = _NOT_INSTALLED
        return super().after(asked, result)
