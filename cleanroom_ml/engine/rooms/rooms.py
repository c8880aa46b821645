"""`Rooms`: the facade of the clean room. It puts the parts together; the rules are in the parts."""

from __future__ import annotations

from cleanroom_ml.engine.contracts.environments import Environments
from cleanroom_ml.engine.contracts.job import JobLauncher
from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.rooms import access, applications
from cleanroom_ml.engine.rooms.access import APPLICATION_PREFIX
from cleanroom_ml.engine.rooms.activation import Activations
from cleanroom_ml.engine.rooms.analysis import Analyses
from cleanroom_ml.engine.rooms.catalog import RoomCatalog, RoomScope
from cleanroom_ml.engine.rooms.code_specs import CodeSpecs
from cleanroom_ml.engine.rooms.collaborations import Collaborations
from cleanroom_ml.engine.rooms.configuration import Configuration
from cleanroom_ml.engine.rooms.edit_apply import EditApplier
from cleanroom_ml.engine.rooms.edit_templates import EditTemplates
from cleanroom_ml.engine.rooms.editing import Editing
from cleanroom_ml.engine.rooms.ending import Ending
from cleanroom_ml.engine.rooms.freeform import FreeformViews
from cleanroom_ml.engine.rooms.history import History
from cleanroom_ml.engine.rooms.joining import Joining
from cleanroom_ml.engine.rooms.ml_jobs import MlJobs
from cleanroom_ml.engine.rooms.offerings import Offerings
from cleanroom_ml.engine.rooms.own_jobs import OwnJobs
from cleanroom_ml.engine.rooms.ports import Caller, Renderer, RoomExecutor
from cleanroom_ml.engine.rooms.registries import Registries
from cleanroom_ml.engine.rooms.request_answers import RequestAnswers
from cleanroom_ml.engine.rooms.role_checks import RoleChecks
from cleanroom_ml.engine.rooms.role_privileges import RolePrivileges
from cleanroom_ml.engine.rooms.schema import layers
from cleanroom_ml.engine.rooms.standing_views import StandingViews
from cleanroom_ml.engine.rooms.statuses import Statuses
from cleanroom_ml.engine.rooms.templates import Templates
from cleanroom_ml.engine.rooms.update_requests import UpdateRequests
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.storage.rights import Rights
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage


class Rooms:
    """Everything that COLLABORATION and REGISTRY procedures do. Blocking and thread-safe.

    Args:
        storage: opened with `schema.SCHEMA` among its schemas.
        executor: runs SQL with the names of a room.
        renderer: evaluates templates in a sandbox.
        launcher: runs ML jobs.
        environments: finds the images and the packages of ML jobs.
    """

    def __init__(
        self,
        storage: Storage,
        executor: RoomExecutor,
        renderer: Renderer,
        launcher: JobLauncher,
        environments: Environments,
    ) -> None:
        self._storage = storage
        self._launcher = launcher
        self.role_checks = RoleChecks(storage)
        self.role_privileges = RolePrivileges(storage, self.role_checks)
        self.registries = Registries(storage.database)
        self.freeform = FreeformViews(storage, self.registries, self.role_checks)
        self.offerings = Offerings(storage, self.registries, executor)
        self.environments = environments
        self.code_specs = CodeSpecs(storage, self.registries, environments, executor.check_packages)
        self.templates = Templates(storage, self.registries, self.code_specs, renderer)
        self.requests = UpdateRequests(storage, self.registries, self.templates, self.code_specs)
        self.request_answers = RequestAnswers(storage.database)
        statuses = Statuses(storage.database)
        self.joining = Joining(storage, statuses, self.offerings, self.requests)
        self.collaborations = Collaborations(storage, statuses, self.joining, self.requests)
        self.ending = Ending(storage, statuses, launcher)
        templates = EditTemplates(storage.database, self.requests)
        applier = EditApplier(storage, self.registries, statuses, templates, launcher)
        self.requests.edits = self._edits = applier
        self.editing = Editing(storage, self.requests, applier)
        self.standings = StandingViews(storage.database)
        self.configuration = Configuration(storage.database)
        self.history = History(storage)
        self.ml_jobs = MlJobs(storage, launcher)
        self.own_jobs = OwnJobs(storage, launcher, self.ml_jobs, self.history)
        self.activations = Activations(storage, executor)
        self.analyses = Analyses(
            storage, self.registries, executor, renderer, self.ml_jobs, self.activations, self.history
        )

    def recover(self) -> None:
        """To be called once, at the engine's start: continues or fails what a killed engine left half-way."""
        self._storage.sessions.close_runs()
        self.collaborations.recover()
        self.ending.recover()
        self.configuration.apply_pending()
        self.requests.finish_approved()
        self._edits.end_jobs()
        self.history.recover()

    def layers(self) -> set[str]:
        """The dependency layers that registered or submitted code may run with."""
        with self._storage.database.read() as connection:
            return set(layers(connection))

    def job_scope(self, job_id: str) -> RoomScope:
        """What the session of a job may see.

        Raises:
            SqlError: there is no such job.
        """
        try:
            return RoomScope.from_json(self._launcher.request(job_id).scope)
        except LookupError:
            raise SqlError.not_found("JOB", job_id) from None

    def job_catalog(self, session: Session) -> RoomCatalog:
        """The names of a job's session (`session.job_id`). Raises SqlError."""
        return RoomCatalog(self._storage, self.job_scope(str(session.job_id)), session)

    def describe_application(self, caller: Caller, name: str) -> Rows:
        """DESCRIBE APPLICATION, of a folded name, for a role that has something on it. Raises SqlError not found."""
        rights = Rights.of_session(self._storage, caller)
        member = None
        if name.startswith(APPLICATION_PREFIX):
            with self._storage.database.read() as connection:
                found = access.memberships(connection, caller.account)
            member = next((each for each in found if each.local_key and each.application == name), None)
        if member is not None and not self.role_checks.sees(rights, member):
            member = None
        return applications.describe(self._storage, caller, name, member)

    def applications(self, caller: Caller) -> Rows:
        """SHOW APPLICATIONS."""
        rights = Rights.of_session(self._storage, caller)
        with self._storage.database.read() as connection:
            found = access.memberships(connection, caller.account)
        found = [member for member in found if self.role_checks.sees(rights, member)]
        return applications.show(self._storage, caller, found)
