"""Templates: registering them, and what they refer to."""

from __future__ import annotations

import re

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.rooms import listing
from cleanroom_ml.engine.rooms.access import reviewed
from cleanroom_ml.engine.rooms.added_templates import AddedTemplate, added_templates
from cleanroom_ml.engine.rooms.arguments import declared
from cleanroom_ml.engine.rooms.code_specs import CodeSpecs
from cleanroom_ml.engine.rooms.ports import Caller, Renderer
from cleanroom_ml.engine.rooms.registries import Registries, Resource, read_spec
from cleanroom_ml.engine.rooms.render import check_template
from cleanroom_ml.engine.sql.errors import room_error
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.naming import fold
from cleanroom_ml.specs.code_spec import CodeSpec
from cleanroom_ml.specs.template import RESERVED_ALIAS, Template

_PRESET = re.compile(r"""preset_tables\s*(?:\[\s*['"]([^'"]{1,300})['"]\s*\]|\.\s*([A-Za-z_]\w*))""", re.IGNORECASE)
_SQL_ALIAS = re.compile(r"\s*+\)?\s*+(?:AS\s++)?([A-Za-z_]\w*)", re.IGNORECASE)


class Templates:
    """REGISTER_TEMPLATE, VIEW_TEMPLATES, VIEW_CODE_SPECS."""

    def __init__(self, storage: Storage, registries: Registries, code_specs: CodeSpecs, renderer: Renderer) -> None:
        self._database = storage.database
        self._registries = registries
        self._code_specs = code_specs
        self._renderer = renderer

    def register(self, caller: Caller, spec_text: object, registry: object | None = None) -> Rows:
        """REGISTER_TEMPLATE: it must compile, use no unknown variable, and its code specs be registered in the account.

        Raises:
            SqlError: SpecValidationError, CodeSpecNotFoundForOwnerException, TemplateAlreadyExistsException.
        """
        spec = read_spec(Template, spec_text)
        registry_key = self._registries.registry_key(caller, "TEMPLATE", registry)
        self._registries.check_new(caller, "TEMPLATE", spec.name, spec.version)
        self.code_specs_of(caller.account, spec)
        _check_presets(spec)
        presets = [fold(table.alias) for table in spec.preset_tables]
        check_template(self._renderer, spec.template, declared(spec.parameters, presets))
        new_id = self._registries.add(
            caller,
            "TEMPLATE",
            name=spec.name,
            version=spec.version,
            registry_key=registry_key,
            spec=str(spec_text),
            detail={},
        )
        return Rows.one("REGISTER_TEMPLATE", new_id)

    def code_specs_of(self, account: str, spec: Template) -> list[Resource]:
        """The registered code specs that a template lists, every call of its body among them.

        Raises:
            SqlError: CodeSpecNotFoundForOwnerException, SpecValidationError.
        """
        found: list[Resource] = []
        callables: set[tuple[str, str]] = set()
        for listed in spec.code_specs:
            resource = self._registries.find(account, "CODE SPEC", listed)
            if resource is None:
                raise room_error(
                    ErrorName.CodeSpecNotFoundForOwnerException,
                    f"code spec '{listed}' is not registered in your account.",
                )
            found.append(resource)
            callables |= {(fold(resource.name), name) for name in read_spec(CodeSpec, resource.spec).callable_names()}
        for call in spec.code_calls():
            if (call.code_spec_name.upper(), call.callable_name.upper()) not in callables:
                raise room_error(
                    ErrorName.SpecValidationError,
                    f"Template references unknown code spec callables: '{call.code_spec_name}${call.callable_name}'.",
                )
        return found

    def view(self, caller: Caller, name: str) -> Rows:
        """VIEW_TEMPLATES: those that the caller can run, or has submitted."""
        rows = self._added(caller, name)
        columns = (
            ("TEMPLATE_ID", "VARCHAR"),
            ("TEMPLATE_SPEC", "VARCHAR"),
            ("PARAMETERS", "VARIANT"),
            ("SHARED_BY", "VARCHAR"),
            ("SHARED_WITH", "ARRAY"),
        )
        return Rows.answer(
            columns, tuple((row.template_id, row.spec, row.parameters, row.shared_by, row.shared_with) for row in rows)
        )

    def view_code_specs(self, caller: Caller, name: str) -> Rows:
        """VIEW_CODE_SPECS: those of the templates that VIEW_TEMPLATES shows, with their manifests."""
        rows = self._added(caller, name)
        seen = {(row.shared_by, code["id"]): code["shown"] for row in rows for code in row.code_specs}
        columns = (("CODE_SPEC_ID", "VARCHAR"), ("CODE_SPEC", "VARCHAR"), ("SHARED_BY", "VARCHAR"))
        return Rows.answer(columns, tuple((code_id, text, shared_by) for (shared_by, code_id), text in seen.items()))

    def _added(self, caller: Caller, name: str) -> list[AddedTemplate]:
        with self._database.read() as connection:
            member = reviewed(connection, caller.account, name)
        listing.weigh_requests(self._database, member.collaboration)
        with self._database.read() as connection:
            return added_templates(connection, reviewed(connection, caller.account, name))


def _check_presets(spec: Template) -> None:
    declared = {table.alias for table in spec.preset_tables}
    used, reserved = _preset_uses(spec.template)
    if reserved:
        raise room_error(
            ErrorName.SpecValidationError, f"preset_tables reference(s) use reserved SQL alias(es): {_list(reserved)}"
        )
    if used - declared:
        raise room_error(
            ErrorName.SpecValidationError,
            f"Template references undeclared preset_tables alias(s): {_list(used - declared)}",
        )


def _preset_uses(body: str) -> tuple[set[str], set[str]]:
    """(aliases of preset_tables that a body uses, reserved SQL aliases that it gives them).

    Takes time in proportion to the body's length: it is read in the front, and its author is not to be trusted.
    """
    used: set[str] = set()
    reserved: set[str] = set()
    pieces = body.split("}}")
    for number, piece in enumerate(pieces):
        found = [match[1] or match[2] for match in _PRESET.finditer(piece)]
        used.update(found)
        alias = _SQL_ALIAS.match(pieces[number + 1]) if found and number + 1 < len(pieces) else None
        if alias is not None and RESERVED_ALIAS.match(alias[1]):
            reserved.add(alias[1])
    return used, reserved


def _list(names: set[str]) -> str:
    return ", ".join(sorted(names))
