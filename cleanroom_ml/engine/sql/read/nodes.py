"""The statements that the front acts on. Names are tuples of folded parts; `ast` fields are sqlglot expressions with
placeholders still in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cleanroom_ml.engine.sql.catalog import StageReference
from cleanroom_ml.engine.sql.types import SqlType

Name = tuple[str, ...]
Expression = Any
"""A `sqlglot.exp.Expression`; not named as a type here so that this module stays free of sqlglot."""


@dataclass(frozen=True, slots=True)
class Statement:
    """Base of all statements."""


@dataclass(frozen=True, slots=True)
class Query(Statement):
    """SELECT, WITH, VALUES, UNION …: `compile_query(query.ast, catalog, binds)`."""

    ast: Expression


@dataclass(frozen=True, slots=True)
class InferSchema(Statement):
    """`SELECT <columns|*> FROM TABLE(INFER_SCHEMA(LOCATION => …, FILE_FORMAT => …))`. `columns`: projected names, ()
    for all.
    """

    location: StageReference
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Insert(Statement):
    """INSERT [OVERWRITE] INTO target [(columns)] query: `compile_insert(statement, catalog, binds)`."""

    target: Name
    columns: tuple[str, ...] | None
    source: Expression
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class Update(Statement):
    target: Name
    ast: Expression


@dataclass(frozen=True, slots=True)
class Delete(Statement):
    target: Name
    ast: Expression


@dataclass(frozen=True, slots=True)
class Merge(Statement):
    target: Name
    ast: Expression


@dataclass(frozen=True, slots=True)
class Truncate(Statement):
    target: Name
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """A column as declared. `default` is an SQL expression's ast (literals and CURRENT_* only are accepted by the
    executor), or None.
    """

    name: str
    type: SqlType
    nullable: bool = True
    default: Expression | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class CreateTable(Statement):
    """CREATE TABLE in its forms: with `columns`, `query` (AS SELECT; `columns` may name and type its columns; a type
    may be None there),
    or `like`. `kind` is TABLE, TEMPORARY or TRANSIENT."""

    name: Name
    kind: str = "TABLE"
    columns: tuple[ColumnSpec, ...] = ()
    query: Expression | None = None
    query_columns: tuple[str, ...] | None = None
    like: Name | None = None
    or_replace: bool = False
    if_not_exists: bool = False
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class CreateView(Statement):
    """`text` is the query as it was written (what a `ViewSource` keeps); `columns` are the view's own names, if
    given.
    """

    name: Name
    text: str
    ast: Expression
    columns: tuple[str, ...] | None = None
    secure: bool = False
    temporary: bool = False
    or_replace: bool = False
    if_not_exists: bool = False
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class CreateObject(Statement):
    """Base of the CREATE … statements whose rest is `KEY = value` options (keys in upper case; values str, int, bool,
    tuple or dict).
    """

    name: Name
    or_replace: bool = False
    if_not_exists: bool = False
    temporary: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CreateDatabase(CreateObject):
    pass


@dataclass(frozen=True, slots=True)
class CreateSchema(CreateObject):
    pass


@dataclass(frozen=True, slots=True)
class CreateStage(CreateObject):
    """`options` may hold DIRECTORY={"ENABLE": True}, ENCRYPTION={…}, FILE_FORMAT={…}, COMMENT."""


@dataclass(frozen=True, slots=True)
class CreateFileFormat(CreateObject):
    pass


@dataclass(frozen=True, slots=True)
class CreateWarehouse(CreateObject):
    pass


@dataclass(frozen=True, slots=True)
class CreateComputePool(CreateObject):
    """`application`: the FOR APPLICATION name, or None."""

    application: str | None = None


@dataclass(frozen=True, slots=True)
class Drop(Statement):
    """`kind`: TABLE, VIEW, DATABASE, SCHEMA, STAGE, FILE FORMAT, WAREHOUSE or COMPUTE POOL."""

    kind: str
    name: Name
    if_exists: bool = False
    cascade: bool = True


@dataclass(frozen=True, slots=True)
class AlterTable(Statement):
    """One action: "add" (`columns`), "drop" (`names`), "rename column" (`names` = old, new), "rename" (`new_name`)."""

    name: Name
    action: str
    columns: tuple[ColumnSpec, ...] = ()
    names: tuple[str, ...] = ()
    new_name: Name | None = None
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class AlterStage(Statement):
    """`refresh` of the directory table, or SET `options`."""

    name: Name
    refresh: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class AlterObject(Statement):
    """ALTER WAREHOUSE | COMPUTE POOL: `action` is SUSPEND, RESUME, STOP ALL, SET or UNSET."""

    kind: str
    name: Name
    action: str
    options: Mapping[str, Any] = field(default_factory=dict)
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class AlterSession(Statement):
    """ALTER SESSION SET k = v … / UNSET k, …: parameters in upper case."""

    set: Mapping[str, Any] = field(default_factory=dict)
    unset: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Use(Statement):
    """`kind`: DATABASE, SCHEMA, WAREHOUSE, ROLE or SECONDARY ROLES (then `name` is ("ALL",) or ("NONE",)). A bare USE
    a[.b] is DATABASE with 1 or 2 parts.
    """

    kind: str
    name: Name


@dataclass(frozen=True, slots=True)
class Show(Statement):
    """SHOW [TERSE] `kind` [LIKE 'pattern'] [IN [`scope_kind`] `scope`] [STARTS WITH …] [LIMIT n [FROM '…']].

    `kind` is in upper case, several words joined by one blank (FILE FORMATS, COMPUTE POOLS, PRIMARY KEYS …);
    `scope_kind` is ACCOUNT, DATABASE, SCHEMA, TABLE, SESSION or None.
    """

    kind: str
    like: str | None = None
    scope_kind: str | None = None
    scope: Name | None = None
    terse: bool = False
    starts_with: str | None = None
    limit: int | None = None
    from_name: str | None = None


@dataclass(frozen=True, slots=True)
class Describe(Statement):
    """DESC[RIBE] `kind` `name`: TABLE, VIEW, STAGE, FILE FORMAT, DATABASE, SCHEMA, WAREHOUSE, COMPUTE POOL,
    APPLICATION; or RESULT (`query_id`).
    """

    kind: str
    name: Name = ()
    query_id: str | None = None


@dataclass(frozen=True, slots=True)
class Grant(Statement):
    """GRANT `privileges` ON `kind` `name` TO `grantee_kind` `grantee`; `revoke` for REVOKE … FROM."""

    privileges: tuple[str, ...]
    kind: str
    name: Name
    grantee_kind: str
    grantee: Name
    revoke: bool = False


@dataclass(frozen=True, slots=True)
class Put(Statement):
    """PUT 'file://…' @stage options. `source` as written, without `file://`. Options in upper case (PARALLEL,
    AUTO_COMPRESS, SOURCE_COMPRESSION, OVERWRITE). `bound`: the text does not hold the source, a bound value does.
    """

    source: str
    target: StageReference
    options: Mapping[str, Any] = field(default_factory=dict)
    bound: bool = False


@dataclass(frozen=True, slots=True)
class Get(Statement):
    """GET @stage/path 'file://…' options."""

    source: StageReference
    target: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListFiles(Statement):
    source: StageReference


@dataclass(frozen=True, slots=True)
class Remove(Statement):
    source: StageReference


@dataclass(frozen=True, slots=True)
class CopyInto(Statement):
    """COPY INTO table FROM @stage … or FROM (SELECT … FROM @stage …): `compile_copy(statement, staged, catalog,
    binds)`.

    `source` has the statement's own FILE_FORMAT, PATTERN merged in; `files` is FILES = (…); `ast` the transforming
    SELECT or None; `options`
    the rest (ON_ERROR, PURGE, FORCE, MATCH_BY_COLUMN_NAME, …).
    """

    target: Name
    columns: tuple[str, ...] | None
    source: StageReference
    files: tuple[str, ...] = ()
    ast: Expression | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call(Statement):
    """CALL name(args): values already evaluated (see calls.py)."""

    name: Name
    args: tuple[Any, ...]
    named: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Begin(Statement):
    pass


@dataclass(frozen=True, slots=True)
class Commit(Statement):
    pass


@dataclass(frozen=True, slots=True)
class Rollback(Statement):
    pass


@dataclass(frozen=True, slots=True)
class SetVariable(Statement):
    """SET a = expr or SET (a, b) = (expr, expr); `values` are asts of scalar expressions."""

    names: tuple[str, ...]
    values: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class UnsetVariable(Statement):
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comment(Statement):
    """COMMENT [IF EXISTS] ON kind name IS 'text'."""

    kind: str
    name: Name
    text: str
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class Block(Statement):
    """A scripting block, given as such or by EXECUTE IMMEDIATE $$…$$: `scripting.run(text, …)`."""

    text: str
