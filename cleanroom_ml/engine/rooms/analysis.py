"""RUN: one analysis, activation or ML job, by an approved template on shared data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.rooms import access, requests_store, runs
from cleanroom_ml.engine.rooms.access import Member, key_of
from cleanroom_ml.engine.rooms.activation import Activations
from cleanroom_ml.engine.rooms.arguments import passed
from cleanroom_ml.engine.rooms.catalog import RoomCatalog, RoomScope
from cleanroom_ml.engine.rooms.code_functions import functions_of, procedure_called, procedures_of
from cleanroom_ml.engine.rooms.column_guard import ColumnGuard
from cleanroom_ml.engine.rooms.history import History
from cleanroom_ml.engine.rooms.ml_jobs import MlJobs
from cleanroom_ml.engine.rooms.ports import Caller, Renderer, RoomExecutor
from cleanroom_ml.engine.rooms.registries import Registries, read_spec
from cleanroom_ml.engine.rooms.render import Rendered, render
from cleanroom_ml.engine.rooms.requests_store import Request
from cleanroom_ml.engine.rooms.room_jobs import check_standing
from cleanroom_ml.engine.rooms.update_requests import missing_approvals
from cleanroom_ml.engine.rooms.views import ResolvedView, resolve_view
from cleanroom_ml.engine.sql.binds import Binds
from cleanroom_ml.engine.sql.errors import room_error
from cleanroom_ml.engine.sql.read.block import Block
from cleanroom_ml.engine.sql.read.call import Call, plain
from cleanroom_ml.engine.sql.read.classify import classify
from cleanroom_ml.engine.sql.read.query import Query
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.naming import fold
from cleanroom_ml.specs.analysis import (
    RESERVED_ARGUMENTS,
    Analysis,
    LocalViewMappings,
    TemplateConfiguration,
    ViewMappings,
)
from cleanroom_ml.specs.template import Parameter, Template

_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A run that is allowed: as whom, by which approval, on which datasets."""

    member: Member
    request: Request
    template: Template
    sources: tuple[ResolvedView, ...]
    others: tuple[ResolvedView, ...]
    scope: RoomScope

    @property
    def views(self) -> tuple[ResolvedView, ...]:
        """Everything that the run can read, however it comes in."""
        return (*self.sources, *self.others)


class Analyses:
    """RUN."""

    def __init__(
        self,
        storage: Storage,
        registries: Registries,
        executor: RoomExecutor,
        renderer: Renderer,
        ml_jobs: MlJobs,
        activations: Activations,
        history: History,
    ) -> None:
        self._storage = storage
        self._registries = registries
        self._executor = executor
        self._renderer = renderer
        self._ml_jobs = ml_jobs
        self._activations = activations
        self._history = history

    def run(self, caller: Caller, name: str, arguments: Sequence[Any], *, query_id: str) -> object:
        """RUN(name, spec) or RUN(name, template_id, views, local_views, arguments).

        Returns:
            The executor's own result for an analysis; `Rows` for a job (one column JOB_ID) and an activation.

        Raises:
            SqlError: InvalidCollaborationStatusError, PermissionDeniedException (no analysis runner),
                TemplateNotApprovedException, SpecValidationError, PolicyViolationError, TemplateRenderError,
                ActivationError, and what the statement itself raises.
        """
        wanted = run_request(arguments)
        prepared = self._prepare(caller, name, wanted)
        with self._history.recorded(prepared.member, _info(prepared, wanted), query_id) as found:
            rendered = self._render(prepared, wanted)
            result = self._execute(caller, prepared, wanted, rendered, found, query_id)
            check_standing(self._storage.database, prepared.scope)
            return result

    def _prepare(self, caller: Caller, name: str, wanted: Analysis) -> _Prepared:
        configured = wanted.template_configuration
        shared, own = configured.view_mappings.source_tables, configured.local_view_mappings.my_tables
        with self._storage.database.read() as connection:
            member = access.joined(connection, caller.account, name)
            if not access.is_runner(connection, member.collaboration, member.alias_key):
                raise room_error(
                    ErrorName.PermissionDeniedException, f"{member.alias} is no analysis runner of this collaboration."
                )
            template_key = key_of(wanted.template, "template id")
            request = requests_store.approved(connection, member.collaboration, member.alias_key, template_key)
            if request is None:
                raise missing_approvals(connection, member, template_key, wanted.template)
            template = read_spec(Template, request.payload["template"])
            sources = tuple(resolve_view(connection, self._registries, member, view) for view in shared)
            others = (
                *(
                    resolve_view(connection, self._registries, member, table.template_view_name)
                    for table in template.preset_tables
                ),
                *(resolve_view(connection, self._registries, member, view, local=True) for view in own),
                *(
                    resolve_view(connection, self._registries, member, view, local=local)
                    for _, view, local in configured.mapped
                ),
            )
            providers = {resolved.view.provider_account for resolved in (*sources, *others)}
            requests_store.check_providers(connection, request, providers - {member.account})
            self._activations.check_destination(
                connection, member, template, configured.destination, configured.segment_name
            )
        scope = RoomScope(
            member.collaboration,
            member.local_name or member.source_name,
            member.alias,
            member.alias_key,
            member.account,
            member.application,
            tuple(dict.fromkeys(resolved.view for resolved in (*sources, *others))),
        )
        return _Prepared(member, request, template, sources, others, scope)

    def _render(self, prepared: _Prepared, wanted: Analysis) -> Rendered:
        template, configured = prepared.template, wanted.template_configuration
        variables: dict[str, object] = {
            **_arguments(template.parameters, wanted, {"source_tables", "my_tables"}),
            **{argument: view for argument, view, _ in configured.mapped},
            "source_table": list(configured.view_mappings.source_tables),
            "my_table": list(configured.local_view_mappings.my_tables),
            "preset_tables": {table.alias: table.template_view_name for table in template.preset_tables},
        }
        return render(
            self._renderer,
            template.template,
            variables,
            tables=[resolved.policies for resolved in prepared.sources],
            providers=[
                resolved.policies
                for resolved in prepared.views
                if resolved.view.provider_account != prepared.member.account
            ],
            presets=[fold(table.alias) for table in template.preset_tables],
            names=passed(template.parameters, configured.arguments, configured.mapped),
        )

    def _execute(
        self,
        caller: Caller,
        prepared: _Prepared,
        wanted: Analysis,
        rendered: Rendered,
        found: dict[str, object],
        query_id: str,
    ) -> object:
        """The statement of a run; `found` is told the job that it became, if any."""
        configured = wanted.template_configuration
        binds = Binds.of(**rendered.binds)
        statement = classify(rendered.sql, binds)
        activating = prepared.template.type == "sql_activation"
        guard = ColumnGuard(rendered.uses, prepared.views, prepared.member.account)
        code_specs = prepared.request.payload["code_specs"]
        procedures = procedures_of(code_specs)
        if procedures:
            guard.refuse_all()  # as a job, a procedure reads every view of its run as it likes
        own = isinstance(statement, Call) and procedure_called(procedures, statement.name) is not None
        if isinstance(statement, Call) and not activating and not own:
            guard.refuse_all()
            call = (statement.name, tuple(map(plain, statement.args)))
            job_id = self._ml_jobs.submit(caller, prepared.member, prepared.request, prepared.scope, call)
            found["job_id"] = job_id
            return Rows.one("JOB_ID", job_id)
        if activating and not isinstance(statement, Block):
            raise room_error(
                ErrorName.TemplateRenderError,
                "an activation template must be a BEGIN … END block that returns a table's name",
            )
        if not isinstance(statement, Query | Block) and not own:
            raise room_error(
                ErrorName.TemplateRenderError,
                "an analysis template must be one SELECT, one BEGIN … END block, or one call of an ML job or procedure",
            )
        with runs.opened(self._storage, caller) as run:
            catalog = RoomCatalog(
                *(self._storage, prepared.scope, run.session, run.tables, guard),
                functions=functions_of(code_specs),
                procedures=procedures,
                owner=prepared.request.requester,
            )
            result = self._executor.run(
                catalog, run.session, rendered.sql, rendered.binds, query_id=query_id, written=run.tables
            )
            if not activating:
                return result
            shared = self._activations.share(
                prepared.member,
                prepared.template,
                prepared.request.payload["template_id"],
                self._executor.returned(result),
                run.tables,
                configured.destination,
                configured.segment_name,
            )
        return self._activations.arrive(caller, prepared.member, shared, query_id=query_id)


# Any: they are looked at one by one.
def run_request(arguments: Sequence[Any]) -> Analysis:
    """What is asked for, from either form of RUN. What the second one names is checked where it is looked up.

    Raises:
        SqlError: SpecValidationError.
    """
    if len(arguments) == 1:
        return read_spec(Analysis, arguments[0])
    if len(arguments) != 4:
        raise room_error(
            ErrorName.SpecValidationError,
            "RUN takes (collaboration, analysis spec) or (collaboration, template, views, local views, arguments)",
        )
    template_id, views_given, local_given, given = arguments
    if (
        not isinstance(template_id, str)
        or not _texts(views_given)
        or not _texts(local_given)
        or not isinstance(given or {}, dict)
    ):
        raise room_error(
            ErrorName.SpecValidationError, "give a template id, two arrays of view names, and an object of arguments"
        )
    configuration = TemplateConfiguration.model_construct(
        view_mappings=ViewMappings.model_construct(source_tables=tuple(views_given or ())),
        local_view_mappings=LocalViewMappings.model_construct(my_tables=tuple(local_given or ())),
        arguments=given or {},
    )
    return Analysis.model_construct(
        api_version="2.0.0", spec_type="analysis", template=template_id, template_configuration=configuration
    )


def _texts(value: object) -> bool:
    return value is None or (isinstance(value, list | tuple) and all(isinstance(item, str) for item in value))


def _arguments(parameters: Sequence[Parameter], wanted: Analysis, tables: set[str]) -> dict[str, object]:
    """The arguments with the defaults of those not given. Raises SqlError for one that is missing, reserved or of
    another type.
    """
    configured = wanted.template_configuration
    values = dict(configured.arguments)
    mapped = {argument for argument, _, _ in configured.mapped}
    for name in values:
        if name.strip('"').lower() in RESERVED_ARGUMENTS or name in mapped:
            raise room_error(ErrorName.SpecValidationError, f"'{name[:100]}' cannot be passed as an argument")
    for parameter in parameters:
        if parameter.name in tables or parameter.name in mapped:
            continue
        if parameter.name not in values:
            if parameter.required and parameter.default is None:
                raise room_error(
                    ErrorName.SpecValidationError, f"the template requires the argument '{parameter.name}'"
                )
            if parameter.default is not None:
                values[parameter.name] = parameter.default
            continue
        value = values[parameter.name]
        kinds = _KINDS.get(parameter.type or "")
        if (
            kinds
            and value is not None
            and (not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds))
        ):
            raise room_error(
                ErrorName.SpecValidationError, f"the argument '{parameter.name}' must be of type {parameter.type}"
            )
    return values


def _info(prepared: _Prepared, wanted: Analysis) -> dict[str, object]:
    configured = wanted.template_configuration
    tables = [
        {
            "name": ".".join(resolved.view.name),
            "provider_key": resolved.view.provider_key,
            "offering_id": resolved.offering_id,
            "local": resolved.view.local,
        }
        for resolved in prepared.views
    ]
    return {
        "tables": tables,
        "submitted_by": prepared.request.requester,
        "request_parameters": {
            "template_id": prepared.request.payload["template_id"],
            "arguments": dict(configured.arguments),
            "activation_destination": configured.destination,
        },
    }
