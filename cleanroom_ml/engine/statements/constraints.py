"""Keys of tables: PRIMARY KEY, UNIQUE and FOREIGN KEY are kept and shown, and not enforced, as on Snowflake
(sql-reference/constraints-overview).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.constraints import ConstraintSpec, DroppedKey
from cleanroom_ml.engine.statements.refusals import displayed
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.keys import Column, Constraint, Key


def declared(
    work: Work,
    columns: Sequence[Column],
    specs: Sequence[ConstraintSpec],
    before: Sequence[Constraint] = (),
    *,
    of: Key | None = None,
) -> tuple[Constraint, ...]:
    """Keys as storage keeps them; `of` is the table that is being made, to which a foreign key of its own may refer.
    Raises SqlError: of no column of the table, two of one name, two primary keys.
    """
    own = next((spec.columns for spec in specs if spec.kind == "PRIMARY KEY"), ())
    known = {column.name for column in columns}
    made = list(before)
    for spec in specs:
        for column in spec.columns:
            if column not in known:
                raise SqlError.invalid_identifier(column)
        if spec.kind == "PRIMARY KEY" and any(each.kind == "PRIMARY KEY" for each in made):
            raise SqlError(2202, "42P16", "SQL compilation error:\nprimary key already exists for this table")
        name = spec.name or f"SYS_CONSTRAINT_{uuid.uuid4()}"
        if any(each.name == name for each in made):
            raise SqlError.already_exists("Constraint", name)
        references, referred = _references(work, spec, of, columns, own) if spec.references else ((), ())
        made.append(Constraint(spec.kind, spec.columns, name, references, referred))
    return tuple(made)


def keyed(columns: Sequence[Column], constraints: Sequence[Constraint]) -> frozenset[str]:
    """The columns of the primary key, which are NOT NULL."""
    return frozenset(name for each in constraints if each.kind == "PRIMARY KEY" for name in each.columns)


def without(constraints: Sequence[Constraint], dropped: DroppedKey) -> tuple[Constraint, ...]:
    """The keys that are left. Raises SqlError: there is none such."""
    gone = [
        each
        for each in constraints
        if (each.name == dropped.name if dropped.kind is None else each.kind == dropped.kind)
        and (not dropped.columns or each.columns == dropped.columns)
    ]
    if not gone:
        raise SqlError.not_found("Constraint", dropped.name or dropped.kind or "")
    return tuple(each for each in constraints if each not in gone)


def _references(
    work: Work, spec: ConstraintSpec, of: Key | None, own: Sequence[Column], primary: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The table that a foreign key refers to, and its columns. It has to be there for the session's roles, or is the
    one that is being made, with the columns and the primary key that it has then.
    """
    key: Key = work.catalog.target(spec.references, "TABLE")
    there = own
    if key != of:
        table = work.storage.tables.get(key, work.session.id)
        if table is None or (table.session_id is None and not work.rights.finds(Thing.of("TABLE", key))):
            raise SqlError.not_found("Table", displayed(spec.references))
        there = table.columns
        primary = next((each.columns for each in table.constraints if each.kind == "PRIMARY KEY"), ())
    columns = spec.reference_columns or primary
    known = {column.name for column in there}
    for column in columns:
        if column not in known:
            raise SqlError.invalid_identifier(column)
    if len(columns) != len(spec.columns):
        raise SqlError.syntax("A foreign key has as many columns as the key that it refers to.")
    return (key.database, key.schema, key.name), columns
