"""What helps where the message of an error says which of its many reasons it is: the exact statement or command.

Sources: the service's own documentation, `user-guide/cleanrooms/collaboration-troubleshooting`, and what was published
from real accounts (`service-behaviour.md`). One list for both targets. What an error's name alone tells is in
error_names.py; docs/reference/errors.md is written from both.

A statement is put together from names of the message only where they are names: what a party wrote into a message never
becomes a statement that somebody is told to run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from cleanroom_ml.errors import CleanroomError, PolicyDeniedError
from cleanroom_ml.naming import ROOM_DATABASE

_ROOM: Final = ROOM_DATABASE
_NAME: Final = r'[A-Za-z_][\w$]{0,254}|"[^"\n;]{1,255}"'
MOUNT: Final = (
    "USE ROLE ACCOUNTADMIN; CALL SAMOOHA_BY_SNOWFLAKE.APP_SCHEMA.PREPARE_MOUNT_SCRIPT(); "
    "EXECUTE IMMEDIATE FROM @SAMOOHA_BY_SNOWFLAKE.APP_SCHEMA.MOUNT_CODE_STAGE/dcr_loader.sql"
)
INSTALL: Final = "install 'Snowflake Data Clean Rooms' from the Marketplace, then: " + MOUNT
PROFILE: Final = (
    "ALTER USER <user> SET FIRST_NAME = '<first>', LAST_NAME = '<last>', EMAIL = '<email>', then once more "
    "(a user of a service cannot accept the terms: a person joins, once)"
)
PASS_ON: Final = (
    "GRANT USAGE ON DATABASE {database} TO ROLE {role} WITH GRANT OPTION; "
    "GRANT USAGE ON ALL SCHEMAS IN DATABASE {database} TO ROLE {role} WITH GRANT OPTION; "
    "GRANT SELECT ON ALL TABLES IN DATABASE {database} TO ROLE {role} WITH GRANT OPTION"
)


@dataclass(frozen=True, slots=True)
class Remedy:
    """One reason. `about`: what it is, for the page; `when` finds it in `<name>: <message>`; `fix` is filled from the
    groups of `when`; `kind`: what it is on the command line where its name does not say it."""

    about: str
    when: re.Pattern[str]
    fix: str
    kind: type[CleanroomError] | None = None


def _remedy(about: str, when: str, fix: str, kind: type[CleanroomError] | None = None) -> Remedy:
    return Remedy(about, re.compile(when), fix, kind)


REMEDIES: Final = (
    _remedy(
        "a secondary role is active",
        r"[Ss]econdary roles must be disabled",
        "USE SECONDARY ROLES NONE, then once more",
    ),
    _remedy(
        "the role may not pass on references to a database",
        rf"role '?(?P<role>{_NAME})'? does not have REFERENCE_USAGE WITH GRANT OPTION on "
        rf"database '(?P<database>{_NAME})'",
        "GRANT REFERENCE_USAGE ON DATABASE {database} TO ROLE {role} WITH GRANT OPTION",
    ),
    _remedy(
        "a database is shared for the first time (expected)",
        rf"GRANT REFERENCE_USAGE ON DATABASE (?P<database>{_NAME}) TO SHARE (?P<share>SCO_\w{{1,250}})",
        "GRANT REFERENCE_USAGE ON DATABASE {database} TO SHARE {share}, then once more",
    ),
    _remedy(
        "a database is shared for the first time (expected)",
        r"Reference usage grants are required",
        "GRANT REFERENCE_USAGE ON DATABASE <database> TO SHARE <the share that the message names>, then once more",
    ),
    _remedy(
        "the role may not pass on what it may read",
        r"Grant not executed: Insufficient privileges",
        PASS_ON.format(database="<database>", role="<role>"),
    ),
    _remedy(
        "a token that is restricted to a role",
        r"Current session is restricted\. USE ROLE not allowed",
        "leave --role out, or use a token whose ROLE_RESTRICTION is that role",
    ),
    _remedy("the user's profile is not complete", r"add your first/last name and email to your user profile", PROFILE),
    _remedy(
        "a join inside of a procedure",
        r"function with side effects\s+\[SYSTEM\$ACCEPT_LEGAL_TERMS\]",
        f"cleanroom-ml collaboration join, or alone: CALL {_ROOM}.COLLABORATION.JOIN('<collaboration>')",
    ),
    _remedy(
        "the standard templates are not registered",
        r"Templates 'standard_\w+' do not exist",
        f"USE ROLE SAMOOHA_APP_ROLE; CALL {_ROOM}.REGISTRY.REGISTER_STANDARD_DCR_TEMPLATES(), in every account",
    ),
    _remedy(
        "an entrypoint that is not among the staged code",
        r"\ACodeSpecArtifactNotFoundAtStageError: ML job '.{1,300}': .{1,1100} has no file ",
        "correct `entrypoint` in the code spec (cleanroom-ml validate), or put the file into the code directory, then: "
        "cleanroom-ml stage",
    ),
    _remedy(
        "a stage without a directory table",
        r"\AStageDirectoryNotEnabledError: .{1,900}ALTER STAGE (?P<stage>[A-Za-z_][\w.]{0,500}) SET DIRECTORY = ",
        "cleanroom-ml sql 'ALTER STAGE {stage} SET DIRECTORY = (ENABLE = TRUE); ALTER STAGE {stage} REFRESH'",
    ),
    _remedy("a template is not registered", r"Templates '[^']+' do not exist", "cleanroom-ml template register"),
    _remedy(
        "an alias without a role",
        r"declared in collaborator_identifier_aliases but have no role: (?P<alias>[\w, ]{1,200})",
        "name {alias} as owner, analysis runner or data provider, or take it out of the spec: cleanroom-ml validate",
    ),
    _remedy(
        "a column under the name that it has outside of the room",
        r"Unauthorized columns: ",
        "cleanroom-ml offering list  (a join column is called by its column_type)",
        PolicyDeniedError,
    ),
    _remedy(
        "too few rows in a group",
        r"Result below privacy threshold",
        "ask for larger groups, or fewer filters",
        PolicyDeniedError,
    ),
    _remedy("an installation that is too old for another region", r"is not fulfilled to your current region", MOUNT),
    _remedy(
        "the application is being upgraded, or a procedure that the installation or the role does not have",
        r"Unknown user-defined function",
        "cleanroom-ml doctor -c NAME  "
        "(wait until DESCRIBE APPLICATION SFDCR_<collaboration> has upgrade_state COMPLETE)",
    ),
    _remedy(
        "a code spec from before version 16.3",
        r"has no content_manifest",
        "cleanroom-ml spec register --bump",
    ),
    _remedy(
        "an installation that failed: LEAVE does not apply",
        r"Current status: INSTALLATION_FAILED",
        "cleanroom-ml collaboration join  (reviews it again under the same name)",
    ),
    _remedy(
        "not joined yet, or a join that failed",
        r"Current status: (?:JOIN_FAILED|INVITED|IN_REVIEW)\.",
        "cleanroom-ml collaboration join",
    ),
    _remedy("an owner that has not joined", r"Current status: CREATED\.", "cleanroom-ml collaboration create"),
    _remedy(
        "a leave or teardown that waits for its second call",
        r"Current status: LOCAL_DROP_PENDING",
        f"CALL {_ROOM}.COLLABORATION.LEAVE('<collaboration>') once more (the owner: TEARDOWN)",
    ),
    _remedy("a teardown before joining", r"join it before you can tear it down", "cleanroom-ml collaboration join"),
    _remedy(
        "a leave that is half done",
        r"Pending invitation for collaboration: (?P<name>[A-Za-z_]\w{0,74}) not found",
        f"cleanroom-ml collaboration list; where it was left half way: CALL {_ROOM}.COLLABORATION.LEAVE('{{name}}')",
    ),
    _remedy(
        "a runner that links its own table",
        r"can link data offerings only for their analysis runners",
        "cleanroom-ml offering link --local",
    ),
    _remedy(
        "another role joined, and owns the room's databases",
        r"Database '(?P<name>SFDCR_\w{1,250})' does not exist",
        "SHOW DATABASES LIKE '{name}', and use the role that owns it: --role ROLE",
    ),
    _remedy("no clean rooms here", rf"Database '{_ROOM}' does not exist", INSTALL),
    _remedy(
        "no warehouse",
        r"No active warehouse selected",
        "--warehouse NAME, or `warehouse` of the connection (APP_WH comes with the clean rooms)",
    ),
    _remedy(
        "the edition of the account",
        r"(?i)\benterprise edition\b",
        "the account needs Enterprise Edition (activation does)",
    ),
    _remedy(
        "a compute pool that is not the application's",
        r"compute pool (?P<pool>[A-Za-z_]\w{0,254}) does not exist, or the application may not",
        "cleanroom-ml pool create {pool} --family CPU_X64_S, or one of: cleanroom-ml pool list",
    ),
    _remedy(
        "more nodes than the compute pool has",
        rf"\AComputePoolError: the job asks for \d+ nodes, and compute pool (?:{_NAME}) has at most \d+; "
        r"ALTER COMPUTE POOL (?P<pool>[A-Za-z_]\w{0,254}) SET MAX_NODES = (?P<nodes>\d{1,4})\Z",
        'cleanroom-ml sql "ALTER COMPUTE POOL {pool} SET MAX_NODES = {nodes}"',
    ),
    _remedy(
        "a role without a privilege of the clean room (`run` needs RUN and VIEW TEMPLATES)",
        r"\A(?:SQL access control error:\s+)?Insufficient privileges: .{1,500}PRIVILEGE_ON_(?:OBJECT|ACCOUNT)_TO_ROLE"
        rf"\('(?P<privilege>[A-Z ]{{1,60}})', (?:'COLLABORATION', '[^']{{1,255}}', )?'(?P<role>{_NAME})'\)",
        'cleanroom-ml grant "{privilege}" --to {role}',
    ),
    _remedy(
        "an argument that the template does not take, or one that is missing",
        r"\ASpecValidationError: the (?:template takes no argument '|variable '.{1,300} has no value: pass it)",
        "correct --arg, or args of the run in cleanroom.yaml",
    ),
    _remedy("an activation template that was run", r"an activation template needs activation", "cleanroom-ml activate"),
    _remedy(
        "an invitation that was not reviewed",
        r"\breview '(?P<name>[A-Za-z_]\w{0,74})' first",
        "cleanroom-ml collaboration join {name}",
    ),
    _remedy(
        "a template without its table", r"(?:source_table|my_table)\[\d+\] has no value", "cleanroom-ml offering list"
    ),
    _remedy(
        "a table that is not shared",
        r"'(?P<alias>[A-Za-z_]\w{0,24})\.[^']+' is not shared with",
        "{alias} shares it: cleanroom-ml offering link",
    ),
    _remedy(
        "an account that this engine does not have",
        r"'LOCAL\.(?P<name>\w{1,255})' \(alias \w+\) is no account of this engine",
        "cleanroom-ml account create {name}",
    ),
    _remedy(
        "an owner that is somebody else",
        r"owner '(?P<alias>\w{1,25})' is not your account, (?P<account>[\w.]{1,511})",
        "cleanroom-ml connection use {alias}, or in collaborator_identifier_aliases: {alias}: {account}",
    ),
)
_LOWER: Final = frozenset({"pool", "alias"})
"""Names that are shown as a person types them."""


def remedy_for(text: str) -> Remedy | None:
    """What helps with the error of this text (`<name>: <message>`), its statement filled in; None: nothing known."""
    for remedy in REMEDIES:
        if match := remedy.when.search(text):
            groups = {key: _typed(key, value) for key, value in match.groupdict().items()}
            fix = remedy.fix.format(**groups) if groups else remedy.fix
            return Remedy(remedy.about, remedy.when, fix, remedy.kind)
    return None


def _typed(key: str, value: str) -> str:
    if value.startswith('"'):
        return value
    return value.lower() if key in _LOWER or (key == "name" and not value.startswith("SFDCR_")) else value.strip()
