"""Whose a room and a request are: what the server says, against what this party knows for itself.

A collaboration's name is anybody's to take, and an alias is a label that the owner gave. What counts are accounts: the
owner that the project file or the party's own spec names, and the account that this connection logs in to.
"""

from __future__ import annotations

from collections.abc import Callable

from cleanroom_ml.connection import Connection
from cleanroom_ml.errors import WrongPartyError
from cleanroom_ml.evidence.parties import OWNER, Party, party_in
from cleanroom_ml.naming import fold
from cleanroom_ml.specs.collaboration import Collaboration
from cleanroom_ml.specs.load import load_spec
from cleanroom_ml.specs.project import Project

_ENGINES_ORGANIZATION = "LOCAL"

# What only tells, or takes back what this party gave itself.
TELLING = frozenset(
    {
        "GET_STATUS", "VIEW_DATA_OFFERINGS", "UNLINK_DATA_OFFERING", "UNLINK_LOCAL_DATA_OFFERING", "VIEW_TEMPLATES",
        "VIEW_CODE_SPECS", "VIEW_UPDATE_REQUESTS", "REJECT_UPDATE_REQUEST", "GET_CONFIGURATION", "VIEW_ACTIVATIONS",
        "DISABLE_TEMPLATE_AUTO_APPROVAL", "REMOVE_TEMPLATE", "RUN_ML_JOB_ACTION", "VIEW_ACTIVITY_HISTORY",
    }
)  # fmt: skip
# What names its room by more than the name that it has here, or none.
BY_OWNER = frozenset({"INITIALIZE", "REVIEW", "VIEW_COLLABORATIONS"})


def gives(procedure: str) -> bool:
    """Whether a procedure may give something to a room, or let something of it in: all but those that are known not to.

    Args:
        procedure: `SCHEMA.NAME`.
    """
    schema, _, name = procedure.rpartition(".")
    return schema == "COLLABORATION" and name not in TELLING | BY_OWNER


def own_account(connection: Connection) -> str:
    """The identity, `ORG.ACCOUNT`, of the account that this connection is of.

    From the connection's own settings where they tell it; a server is asked only where they hold a locator.
    """
    named = str(connection.target.parameters.get("account", "")).upper()
    if connection.target.kind == "engine":
        return f"{_ENGINES_ORGANIZATION}.{named}"
    organization, dash, account = named.partition("-")
    if dash and account and "." not in named:
        return f"{organization}.{account.replace('-', '_')}"
    rows = connection.execute("SELECT CURRENT_ORGANIZATION_NAME() || '.' || CURRENT_ACCOUNT_NAME() AS ACCOUNT")
    return str(rows[0]["account"]).upper()


def own_names(connection: Connection, collaboration: str) -> frozenset[str]:
    """What this account goes by in a collaboration, in upper case: its identity, and its alias as GET_STATUS tells."""
    account = own_account(connection).upper()
    rows = connection.call("COLLABORATION.GET_STATUS", collaboration)
    mine = [row for row in rows if str(row.get("collaborator_account") or "").upper() == account]
    return frozenset({account, *(str(row.get("collaborator_name") or "").upper() for row in mine)} - {""})


def expected_owner(project: Project | None) -> str | None:
    """The account whose collaboration a project means: of its own spec, or as `owner` says. None: it does not tell."""
    spec = own_spec(project)
    if spec is not None:
        return spec.account_of(spec.owner)
    return project.owner if project is not None else None


def own_spec(project: Project | None) -> Collaboration | None:
    """The collaboration's spec in its owner's project. Raises SpecProblems where it breaks a rule."""
    if project is None or not project.collaboration_path.is_file():
        return None
    spec = load_spec(project.collaboration_path)
    return spec if isinstance(spec, Collaboration) else None


def guard(connection: Connection, project: Project | None) -> Connection:
    """The same connection, which gives nothing to a room of the project's name that is somebody else's.

    Does nothing where the project does not say whose room it means: `collaboration join` asks then.
    """
    owner = expected_owner(project)
    if project is not None and project.collaboration is not None and owner is not None:
        connection.before_call = _guard(connection, project.collaboration, owner)
    return connection


def _guard(connection: Connection, collaboration: str, owner: str) -> Callable[[str, tuple[object, ...]], None]:
    proven: set[str] = set()

    def check(procedure: str, arguments: tuple[object, ...]) -> None:
        name = same_name(str(arguments[0])) if arguments else ""
        if not gives(procedure) or name != same_name(collaboration) or name in proven:
            return
        for row in connection.call("COLLABORATION.VIEW_COLLABORATIONS"):
            if same_name(str(row["collaboration_name"] or "")) == name:
                check_owner(collaboration, str(row["owner_account"]), owner)
                proven.add(name)

    return check


def same_name(name: str) -> str:
    """A name, or what stands for one, in the form in which two spellings of it are equal."""
    try:
        return fold(name)
    except ValueError:
        return name.upper()


def check_owner(collaboration: str, found: str, expected: str) -> None:
    """Raises WrongPartyError where a room is not the expected account's."""
    if found.upper() != expected.upper():
        raise WrongPartyError(
            f"the collaboration {collaboration} that is meant here is not that of {expected}",
            why=f"its owner is {found}; anybody can give a room this name",
            fix="cleanroom-ml collaboration list; `owner` in cleanroom.yaml says whose is meant",
        )


def check_request(
    parties: tuple[Party, ...],
    collaboration: str,
    *,
    account: str,
    owner: str | None = None,
    spec: Collaboration | None = None,
) -> None:
    """That the accounts behind a request's aliases are those that this party knows.

    Args:
        parties: the accounts of the request; `collaboration`: its owner's name for the room.
        account: this party's own.
        owner: the account whose room it is to be.
        spec: the collaboration's spec, where this party has it.

    Raises:
        WrongPartyError: they are others.
    """
    if owner is not None:
        check_owner(collaboration, party_in(parties, OWNER).account, owner)
    if account.upper() not in {party.account.upper() for party in parties}:
        raise WrongPartyError(
            f"the request is not one of {account}", why=f"it names {_listed(parties)}", fix="cleanroom-ml requests"
        )
    for party in parties:
        known = spec.account_of(party.alias) if spec is not None else None
        if spec is not None and (known is None or known.upper() != party.account.upper()):
            raise WrongPartyError(
                f"the alias {party.alias} of the request is another account than in collaboration.yaml",
                why=f"{party.account} there, {known or 'nobody'} here",
                fix="cleanroom-ml collaboration show",
            )


def _listed(parties: tuple[Party, ...]) -> str:
    return ", ".join(f"{party.account} ({party.alias})" for party in parties)
