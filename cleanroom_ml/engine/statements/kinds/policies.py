"""Policies: CREATE, ALTER, DROP, DESCRIBE, SHOW of each kind.

They are bound to data by data offerings (cleanrooms/free-form-sql), by name: what changes a policy changes what may be
read from then on, and where a policy is no more nothing may be read. Nothing binds them to tables here.

Source: sql-reference/sql/create-aggregation-policy, -/alter-, -/drop-, -/desc-, -/show-aggregation-policies, and those
of the other kinds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.policies import constraints, values
from cleanroom_ml.engine.sql.policies.definition import CONSTRAINTS, Policy
from cleanroom_ml.engine.sql.policies.definition import KINDS as POLICY_KINDS
from cleanroom_ml.engine.sql.read.describe import Describe
from cleanroom_ml.engine.sql.read.drop import Drop
from cleanroom_ml.engine.sql.read.policy import AlterPolicy, CreatePolicy
from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.statements.kind import Kind, ObjectKind, Roles
from cleanroom_ml.engine.statements.listing import Listed, Listing, place, texts, visible
from cleanroom_ml.engine.statements.refusals import displayed, translated
from cleanroom_ml.engine.statements.replies import already_dropped, existed, if_exists
from cleanroom_ml.engine.statements.results import success
from cleanroom_ml.engine.statements.scope import scope_of
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.grants import OWNERSHIP, Thing
from cleanroom_ml.engine.storage.policies import StoredPolicy


def create_policy(work: Work, statement: CreatePolicy) -> Rows:
    """CREATE [OR REPLACE] … POLICY [IF NOT EXISTS]. Raises SqlError: what its body says is not supported."""
    kind = statement.policy.kind
    _check(statement.policy)
    key = work.catalog.target(statement.name, kind)
    work.require(f"CREATE {kind}", Thing("SCHEMA", key.database, key.schema))
    reply = success(f"{kind.capitalize()} {key.name} successfully created.")
    with translated(statement.name), work.recorded(reply):
        # In the transaction that replaces it: somebody else may have made one since the statement began.
        if statement.or_replace and work.storage.policies.get(key, kind) is not None:
            work.require(OWNERSHIP, Thing.of(kind, key))
        made = work.storage.policies.create(
            key, kind, statement.policy.to_json(), comment=statement.comment, if_exists=if_exists(statement)
        )
        if made:
            work.made(Thing.of(kind, key))
    return reply if made else existed(key.name)


def alter_policy(work: Work, statement: AlterPolicy) -> Rows:
    """ALTER … POLICY … SET BODY ->, SET COMMENT, RENAME TO."""
    kind, policies = statement.kind, work.storage.policies
    key = work.catalog.target(statement.name, kind)
    reply = success()
    with translated(statement.new_name or statement.name), work.recorded(reply):
        there = policies.get(key, kind)
        if there is None and statement.if_exists:
            return reply
        if there is None:
            raise SqlError.not_found(kind, displayed(statement.name))
        work.require(OWNERSHIP, Thing.of(kind, key))
        if statement.new_name is not None:
            new = work.catalog.target(statement.new_name, kind)
            work.require(f"CREATE {kind}", Thing("SCHEMA", new.database, new.schema))
            policies.rename(key, kind, new)
            return reply
        definition = None
        if statement.body is not None:
            policy = replace(Policy.from_json(there.definition), body=statement.body)
            _check(policy)
            definition = policy.to_json()
        policies.alter(key, kind, definition=definition, comment=statement.comment)
    return reply


def drop_policy(work: Work, statement: Drop) -> Rows:
    """DROP … POLICY."""
    key = work.catalog.target(statement.name, statement.kind)
    reply = success(f"{key.name} successfully dropped.")
    with translated(statement.name), work.recorded(reply):
        if work.storage.policies.get(key, statement.kind) is not None:
            work.require(OWNERSHIP, Thing.of(statement.kind, key))
        dropped = work.storage.policies.drop(key, statement.kind, if_exists=statement.if_exists)
    return reply if dropped else already_dropped(key.name)


def describe_policy(work: Work, statement: Describe) -> Rows:
    """DESCRIBE … POLICY: its signature and its body, for who may use it."""
    kind = statement.kind
    key = work.catalog.target(statement.name, kind)
    found = work.storage.policies.get(key, kind)
    if found is None or not work.rights.finds(Thing.of(kind, key)):
        raise SqlError.not_found(kind, displayed(statement.name))
    policy = Policy.from_json(found.definition)
    row = (found.key.name, policy.signature, policy.returned, policy.body)
    return Rows(texts("name", "signature", "return_type", "body"), (row,))


def _check(policy: Policy) -> None:
    if policy.kind in CONSTRAINTS:
        constraints.check(policy.kind, policy.body)
    else:
        values.check(policy)


def _listing(kind: str) -> Listing:
    def rows(work: Work, statement: Show) -> Listed:
        scope = scope_of(work, statement)
        listed = work.storage.policies.list(work.session.account, kind, scope.database, scope.schema)
        for each, owner in visible(work, kind, listed):
            yield _row(each, owner)

    return Listing(f"{kind.removesuffix('POLICY')}POLICIES", _COLUMNS, rows)


def _row(each: StoredPolicy, owner: str) -> Mapping[str, Value]:
    kind = each.kind.replace(" ", "_")
    return place(each.key, owner) | {
        "created_on": each.created_on, "kind": kind, "comment": each.comment, "options": "",
    }  # fmt: skip


def _object(kind: str) -> ObjectKind:
    def thing(work: Work, name: tuple[str, ...]) -> Thing:
        key = work.catalog.target(name, kind)
        if work.storage.policies.get(key, kind) is None:
            raise SqlError.not_found(kind, displayed(name))
        return Thing.of(kind, key)

    def everything(work: Work, database: str, schema: str | None) -> list[Thing]:
        return [
            Thing.of(kind, each.key)
            for each in work.storage.policies.list(work.session.account, kind, database, schema)
        ]

    return ObjectKind(
        kind,
        drop=drop_policy,
        describe=describe_policy,
        thing=thing,
        privileges=("APPLY", "USAGE"),
        everything=everything,
    )


_COLUMNS: Final = (
    *("created_on", "name", "database_name", "schema_name", "kind", "owner", "comment", "owner_role_type"),
    "options",
)
KINDS: Final = (
    Kind(CreatePolicy, create_policy, roles=Roles.NAMES, commits=True),
    Kind(AlterPolicy, alter_policy, roles=Roles.NAMES, commits=True),
)
OBJECTS: Final = tuple(_object(kind) for kind in POLICY_KINDS)
LISTINGS: Final = tuple(_listing(kind) for kind in POLICY_KINDS)
