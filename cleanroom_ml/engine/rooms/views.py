"""The datasets that a run names: from `<alias>.<offering id>.<dataset alias>` to whose data it is, if it is shared
with this runner.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.rooms import access
from cleanroom_ml.engine.rooms.access import Member
from cleanroom_ml.engine.rooms.catalog import ScopeView, is_linked
from cleanroom_ml.engine.rooms.datasets import policies_of
from cleanroom_ml.engine.rooms.registries import Registries
from cleanroom_ml.engine.sql.errors import room_error
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.naming import split_name


@dataclass(frozen=True, slots=True)
class ResolvedView:
    """One dataset of a run: what may be read, which offering it is of, and its columns by policy."""

    view: ScopeView
    offering_id: str
    provider: str
    policies: dict[str, list[str]]


_LOCAL: Final = "LOCAL"
"""How accounts of the service call a runner's own data, beside its alias (service-behaviour, "Data grants"). A
collaborator who goes by this alias comes first.
"""


def resolve_view(
    connection: sqlite3.Connection, registries: Registries, runner: Member, name: str, *, local: bool = False
) -> ResolvedView:
    """The dataset that `name` stands for, in this collaboration and for this runner.

    Raises:
        SqlError: CollaboratorAliasNotFoundInCollaboration, DataProviderWithoutDataOffering (also where the offering is
        not
            shared with this runner), DatasetNotFoundInDataOfferingException, SpecValidationError.
    """
    try:
        parts = split_name(name)
    except ValueError:
        parts = ()
    if len(parts) != 3:
        raise room_error(
            ErrorName.SpecValidationError, f"'{name[:200]}' is not <alias>.<data offering id>.<dataset alias>"
        )
    provider = access.by_alias(connection, runner.collaboration, parts[0])
    if provider is None and local and parts[0] == _LOCAL:
        provider = runner
    if provider is None:
        raise room_error(
            ErrorName.CollaboratorAliasNotFoundInCollaboration, f"'{name}': no collaborator has this alias."
        )
    view = ScopeView((parts[0], parts[1], parts[2]), provider.account, provider.alias_key, parts[1], parts[2], local)
    if local and provider.account != runner.account:
        raise room_error(ErrorName.PermissionDeniedException, f"'{name}' is not your own data.")
    resource = registries.by_key(provider.account, "DATA OFFERING", parts[1])
    shared = provider.status == "JOINED" and is_linked(connection, runner.collaboration, runner, view)
    if resource is None or not shared:
        raise room_error(ErrorName.DataProviderWithoutDataOffering, f"'{name}' is not shared with {runner.alias}.")
    detail = resource.detail.get(parts[2])
    if detail is None:
        raise room_error(
            ErrorName.DatasetNotFoundInDataOfferingException, f"'{name}': the data offering has no such dataset."
        )
    return ResolvedView(view, resource.id, provider.alias, policies_of(detail))
