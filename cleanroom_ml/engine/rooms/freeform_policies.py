"""The policies of a dataset for free-form SQL: bound by name where it is registered, worked out at each query.

They are linked dynamically (cleanrooms/free-form-sql): a policy that is changed counts as it is now, and where one is
no more, or has become another than the columns it is bound to, nothing may be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from cleanroom_ml.engine.rooms.catalog import ProviderCatalog
from cleanroom_ml.engine.rooms.datasets import BoundPolicy, DatasetDetail, FreeformDetail, view_text
from cleanroom_ml.engine.rooms.ports import Caller
from cleanroom_ml.engine.sql.catalog import ContextValues, ViewSource
from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.engine.sql.policies import values
from cleanroom_ml.engine.sql.policies.constraints import Constraint, Reader, constraint_of
from cleanroom_ml.engine.sql.policies.definition import AGGREGATION, JOIN, MASKING, PROJECTION, ROW_ACCESS, Policy
from cleanroom_ml.engine.sql.policies.guard import Guard
from cleanroom_ml.engine.sql.routines import UserFunction
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.engine.storage.rights import Rights
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.naming import fold, quote, split_name
from cleanroom_ml.specs.data_offering import Dataset

FREE: Final = "template_and_freeform_sql"
_SHOWN: Final[Mapping[str, tuple[str, str]]] = {
    AGGREGATION: ("aggregation_policy", "entity_keys"),
    MASKING: ("masking_policy", "columns"),
    JOIN: ("join_policy", "columns"),
    PROJECTION: ("projection_policy", "columns"),
    ROW_ACCESS: ("row_access_policy", "columns"),
}
_OFFERED: Final = "OFFERED"
_ALL_ROWS: Final = (1 << 63) - 1


def bound_policies(storage: Storage, caller: Caller, dataset: Dataset) -> FreeformDetail:
    """What a dataset's `freeform_sql_policies` bind, to columns by the names that runners see (the spec has no others).

    Raises:
        SqlError: SpecValidationError; a policy does not exist, or the caller's role may not use it.
    """
    found = list(_listed(dataset))
    if found and dataset.allowed_analyses != FREE:
        raise _invalid(dataset, f"freeform_sql_policies need allowed_analyses: {FREE}")
    rights = Rights.of_session(storage, caller)
    masked: list[str] = []
    projected: list[str] = []
    for each in found:
        key = Key(caller.account, *each["name"])
        thing = Thing.of(each["kind"], key)
        stored = storage.policies.get(key, each["kind"])
        usable = rights.reaches("USAGE", thing) or rights.reaches("APPLY", thing)
        if stored is None or not usable:
            raise SqlError.not_found(each["kind"], ".".join(each["name"]))
        if each["kind"] in {MASKING, PROJECTION} and not each["columns"]:
            raise _invalid(dataset, f"{_SHOWN[each['kind']][0]} without columns guards nothing: name its columns")
        masked += each["columns"] if each["kind"] == MASKING else []
        projected += each["columns"] if each["kind"] == PROJECTION else []
        _check_signature(Policy.from_json(stored.definition), each)
    for listed in (masked, projected):
        if len(set(listed)) != len(listed):
            raise _invalid(dataset, "a column has two policies of one kind")
    filtered = {column for each in found if each["kind"] == ROW_ACCESS for column in each["columns"]}
    if filtered & set(masked):  # sql-reference/sql/create-masking-policy, "Usage notes"
        raise _invalid(dataset, "a column is in a masking policy and in the row access policy")
    return found


def _listed(dataset: Dataset) -> Iterator[BoundPolicy]:
    given = dataset.freeform_sql_policies
    if given is None:
        return
    if given.aggregation_policy is not None:
        yield _bound(AGGREGATION, given.aggregation_policy.name, given.aggregation_policy.entity_keys)
    for kind, single in ((JOIN, given.join_policy), (ROW_ACCESS, given.row_access_policy)):
        if single is not None:
            yield _bound(kind, single.name, single.columns)
    for kind, several in ((MASKING, given.masking_policies), (PROJECTION, given.projection_policies)):
        for each in several:
            yield _bound(kind, each.name, each.columns)


def _bound(kind: str, name: str, columns: Sequence[str]) -> BoundPolicy:
    return {"kind": kind, "name": list(split_name(name)), "columns": [fold(column) for column in columns]}


def _check_signature(policy: Policy, bound: BoundPolicy) -> None:
    """Raises SqlError: the policy takes other arguments than the columns that it is bound to."""
    count = len(policy.parameters)
    if policy.kind == MASKING and count != 1:
        raise SqlError.unsupported("a masking policy of more than one column (a conditional one) on a data offering")
    if policy.kind == ROW_ACCESS and count != len(bound["columns"]):
        raise SqlError.syntax(f"the row access policy takes {count} columns, and is bound to {len(bound['columns'])}.")


def check_policies(storage: Storage, account: str, detail: DatasetDetail) -> None:
    """Raises SqlError: a policy does not fit the columns that it is bound to, by their types."""
    if detail["freeform"] != FREE:
        return
    reader = Reader(account)
    context = ContextValues(account, "", "", None)
    plain = compile_query(view_text(detail), ProviderCatalog(storage, account, context))
    kinds = dict(zip((column["name"] for column in detail["columns"]), plain.kinds, strict=False))
    for policy, bound in current(storage, account, detail):
        for parameter, column in zip(policy.parameters * len(bound["columns"]), bound["columns"], strict=False):
            kind = kinds.get(column)
            if kind is not None and policy.returns is not None and kind != parameter.type.kind:
                raise SqlError.syntax(f"the {policy.kind.lower()} takes a {parameter.type}, and {column} is none.")
    source = view_source(storage, account, detail, reader)
    compile_query(source.text, source.catalog)


def current(storage: Storage, account: str, detail: DatasetDetail) -> list[tuple[Policy, BoundPolicy]]:
    """The policies as they are now. Raises SqlError: one is no more, or is another by now."""
    found = []
    for bound in detail.get("policies", []):
        stored = storage.policies.get(Key(account, *bound["name"]), bound["kind"])
        if stored is None:
            raise room_error(
                ErrorName.PolicyViolationError,
                f"the {bound['kind'].lower()} of this data offering does not exist any more, so that nothing of it can "
                "be read. Its provider has to create it again.",
            )
        policy = Policy.from_json(stored.definition)
        _check_signature(policy, bound)
        found.append((policy, bound))
    return found


def policies_shown(detail: DatasetDetail) -> dict[str, dict[str, list[str]]]:
    """FREEFORM_SQL_COLUMN_POLICIES: columns by the kind of policy that they have (cleanrooms/free-form-sql)."""
    shown: dict[str, dict[str, list[str]]] = {}
    for bound in detail.get("policies", []):
        name, columns = _SHOWN[bound["kind"]]
        shown.setdefault(name, {}).setdefault(columns, []).extend(bound["columns"])
    taken = {column for bound in detail.get("policies", []) for column in bound["columns"]}
    without = [column["name"] for column in detail["columns"] if column["name"] not in taken]
    return {**shown, "no_policy": {"columns": without}}


def view_source(storage: Storage, account: str, detail: DatasetDetail, reader: Reader) -> ViewSource:
    """A dataset of `account` as free-form SQL of `reader` reads it. Raises SqlError: nothing may be read."""
    columns = tuple(column["name"] for column in detail["columns"])
    selected = {name: quote(name) for name in columns}
    functions: dict[str, UserFunction] = {}
    size: int | None = None
    entities: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    required = False
    hidden: dict[str, bool] = {}
    condition = ""
    for number, (policy, bound) in enumerate(current(storage, account, detail)):
        name = f"POLICY_{number}"
        if policy.returns is not None:
            functions[name] = values.function(policy, name, reader)
            if policy.kind == MASKING:
                selected |= {column: f"{name}({quote(column)}) AS {quote(column)}" for column in bound["columns"]}
            else:
                condition = f" WHERE {name}({', '.join(quote(column) for column in bound['columns'])})"
            continue
        said: Constraint = constraint_of(policy.kind, policy.body, reader)
        if policy.kind == AGGREGATION:
            size, entities = said.group_size, tuple(bound["columns"])
        elif policy.kind == JOIN:
            required, keys = said.required, tuple(bound["columns"])
        elif not said.allowed:
            hidden |= dict.fromkeys(bound["columns"], said.nullify)
    # What a query asks of rows is asked behind the LIMIT: of no row that the policy has left out.
    barrier = f" LIMIT {_ALL_ROWS}" if condition else ""
    text = f"SELECT {', '.join(selected.values())} FROM {_OFFERED}{condition}{barrier}"
    context = ContextValues(account, "", "", None)
    offered = ViewSource(None, view_text(detail), ProviderCatalog(storage, account, context))
    guard = Guard(columns, size, entities, required, keys, hidden)
    return ViewSource(None, text, _Offered(offered, functions, reader), guard)


class _Offered:
    """The names of a free-form view's text: what is offered, and the bodies of its policies."""

    def __init__(self, offered: ViewSource, functions: Mapping[str, UserFunction], reader: Reader) -> None:
        self._offered = offered
        self._functions = functions
        self._reader = reader

    def source(self, parts: tuple[str, ...]) -> ViewSource | None:
        return self._offered if parts == (_OFFERED,) else None

    def functions(self, parts: tuple[str, ...]) -> Sequence[UserFunction]:
        found = self._functions.get(parts[0]) if len(parts) == 1 else None
        return () if found is None else (found,)

    def context(self) -> ContextValues:
        return ContextValues(self._reader.account, None, None)


def _invalid(dataset: Dataset, why: str) -> SqlError:
    return room_error(ErrorName.SpecValidationError, f"dataset '{dataset.alias}': {why}.")
