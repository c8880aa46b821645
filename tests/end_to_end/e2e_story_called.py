"""The story by SQL, from the connector: what the documentation says to call, and what helps with each refusal.

Sources: user-guide/cleanrooms/collaboration-api-reference, and service-behaviour ("What is asynchronous, and how it
ends", "Data grants", "Session"): statuses are asked for, refusals name what is missing, and the call is sent again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from e2e_story import Cast, Row, Step
from e2e_story_console import Console
from e2e_story_files import PARTIES, ROWS, SEGMENT, code_spec, collaboration, data, offering, template, with_agency
from e2e_story_typed import PROFILE
from snowflake.connector.errors import Error

TRIES = 12
_GRANT = re.compile(r"GRANT REFERENCE_USAGE ON DATABASE \w+ TO (?:ROLE \"?\w+\"? WITH GRANT OPTION|SHARE \w+)")
_UNDER_WAY = {"CREATING", "INSTALLING", "REPLICATING", "JOINING", "LEAVING", "DROPPING"}
_STATUS = re.compile(r"Current status: ([A-Z_]+)")
# What an account without these deviations would never say; each is the documented refusal of what is done already.
_DONE = re.compile(
    "already|AlreadyReviewed|InvalidCollaborationStatusError|CollaborationNotFoundException|"
    "UpdateRequestStateException|InvitationNotFound|identical|waits for approval|not linked|is not shared|"
    "not found|does not exist|shared no template"
)


class Caller:
    """Calls from a console of each party."""

    def __init__(self, cast: Cast, console: Console) -> None:
        self.cast = cast
        self._console = console
        self._told: list[str] = []
        for party in PARTIES:
            try:
                console.sql(party, "USE SECONDARY ROLES NONE")
            except Error as error:  # a session that is restricted to one role has no secondary ones
                if "Current session is restricted" not in str(error.msg):
                    raise

    def do(self, step: Step) -> None:
        """The step's calls, each until it is done."""
        self._told.clear()
        getattr(self, f"_{step.verb}")(step.party, step.what)

    def repeat(self, step: Step) -> None:
        """The calls once more. Whatever was done already is refused as such, or answered as before."""
        try:
            self.do(step)
        except Error as error:
            if not _DONE.search(str(error.msg)):
                raise

    def rows(self, party: str, procedure: str, *arguments: object) -> list[Row]:
        return self._console.call(party, procedure, *arguments)

    def count(self, party: str, table: str) -> int:
        return int(str(self._console.sql(party, f"SELECT COUNT(*) AS N FROM {table}")[0]["n"]))

    def _load(self, party: str, what: str) -> None:
        for statement in data(party):
            self._console.sql(party, statement)

    def _offer(self, party: str, what: str) -> None:
        self._call(party, "REGISTRY.REGISTER_DATA_OFFERING", offering(party, self.cast.version))

    def _create(self, party: str, what: str) -> None:
        """With a warehouse to join on; where that fails, or the name is of no use any more, by hand."""
        for _ in range(3):
            self._call(party, "INITIALIZE", collaboration(self.cast.name), "COMPUTE_WH")
            if self._reach(party, {"JOINED", "CREATED"}) != "":
                break
            self.cast.rename()
        self._into(party)

    def _join(self, party: str, what: str) -> None:
        self._call(party, "REVIEW", self.cast.name, "LOCAL.OWNER")
        self._into(party)

    def _into(self, party: str) -> None:
        for _ in range(TRIES):
            match self._status(party):
                case "JOINED":
                    return
                case "CREATED" | "IN_REVIEW" | "REVIEWING" | "JOIN_FAILED":
                    self._call(party, "JOIN", self.cast.name)
                case "INSTALLATION_FAILED" | "INVITED":
                    if "090655" in self._details(party):
                        self._console.sql(party, PROFILE)
                    self._call(party, "REVIEW", self.cast.name, "LOCAL.OWNER")
        raise AssertionError(f"{party} is {self._status(party)}; {self._told}")

    def _link(self, party: str, what: str) -> None:
        self._call(party, "LINK_DATA_OFFERING", self.cast.name, self.cast.id(party), ["brand"])

    def _unlink(self, party: str, what: str) -> None:
        self._call(party, "UNLINK_DATA_OFFERING", self.cast.name, self.cast.id(party), ["brand"])

    def _stage(self, party: str, what: str) -> None:
        code = self.cast.root / party / "code" / "main.py"
        stage = "ML_DB.PUBLIC.ML_STAGE"
        for statement in (
            "CREATE DATABASE IF NOT EXISTS ML_DB",
            f"CREATE STAGE IF NOT EXISTS {stage} DIRECTORY = (ENABLE = TRUE) ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE')",
            f"PUT 'file://{code}' @{stage}/{self.cast.version} AUTO_COMPRESS = FALSE OVERWRITE = TRUE",
            f"ALTER STAGE {stage} REFRESH",
        ):
            self._console.sql(party, statement)

    def _submit(self, party: str, what: str) -> None:
        if what == "measure":
            self._call(party, "REGISTRY.REGISTER_CODE_SPEC", code_spec(self.cast.version))
        self._call(party, "REGISTRY.REGISTER_TEMPLATE", template(what, self.cast.version))
        self._call(party, "ADD_TEMPLATE_REQUEST", self.cast.name, self.cast.id(what), ["brand"])

    def _reject(self, party: str, what: str) -> None:
        self._call(party, "REJECT_UPDATE_REQUEST", self.cast.name, self._request(party, self.cast.id(what)), "no")

    def _approve(self, party: str, what: str) -> None:
        self._call(party, "APPROVE_UPDATE_REQUEST", self.cast.name, self._request(party, self.cast.id(what)))

    def _agree(self, party: str, what: str) -> None:
        self._call(party, "APPROVE_UPDATE_REQUEST", self.cast.name, self._request(party, "EDIT"))

    def _pool(self, party: str, what: str) -> None:
        pool, application = f"{self.cast.name}_POOL", f"SFDCR_{self.cast.name}"
        for statement in (
            f"CREATE COMPUTE POOL IF NOT EXISTS {pool} FOR APPLICATION {application} MIN_NODES = 1 MAX_NODES = 1 "
            "INSTANCE_FAMILY = CPU_X64_XS AUTO_RESUME = TRUE",
            f"GRANT USAGE ON COMPUTE POOL {pool} TO APPLICATION {application}",
            f"GRANT USAGE ON WAREHOUSE COMPUTE_WH TO APPLICATION {application}",
        ):
            self._console.sql(party, statement)

    def _run(self, party: str, what: str) -> None:
        """A job: its id, its status until it has ended, what it returned."""
        tables = [f"{each}.{self.cast.id(each)}.people" for each in ROWS]
        arguments = {"compute_pool": f"{self.cast.name}_POOL"}
        (answer,) = self._call(party, "RUN", self.cast.name, self.cast.id(what), tables, [], arguments)
        job = str(next(iter(answer.values())))
        status = ""
        while status not in ("DONE", "FAILED"):
            status = self._action(party, job, "get_status")
        assert status == "DONE", self._action(party, job, "get_logs")
        result = self._action(party, job, "get_result")
        assert json.loads(result) == {"rows": sum(ROWS.values())}, result

    def _action(self, party: str, job: str, action: str) -> str:
        asked = f"api_version: 2.0.0\nspec_type: ml_job_action\njob_id: {job}\naction: {action}\n"
        (answer,) = self._call(party, "RUN_ML_JOB_ACTION", self.cast.name, asked)
        return str(next(iter(answer.values())))

    def _edit(self, party: str, what: str) -> None:
        found = [row for row in self.rows(party, "VIEW_COLLABORATIONS") if row["source_name"] == self.cast.name]
        spec = with_agency(str(found[0]["collaboration_spec"]), self.cast.id("shop"))
        self._call(party, "EDIT", self.cast.name, spec)

    def _activate(self, party: str, what: str) -> None:
        analysis = (
            f"api_version: 2.0.0\nspec_type: analysis\ntemplate: {self.cast.id(what)}\ntemplate_configuration:\n"
            f"  view_mappings: {{source_tables: [shop.{self.cast.id('shop')}.people]}}\n"
            f"  activation: {{snowflake_collaborator: shop, segment_name: {SEGMENT}}}\n"
        )
        for _ in range(TRIES):
            self._call(party, "RUN", self.cast.name, analysis)
            if self._sent(party) != "FAILED":
                return
            self.cast.refusals.append("FAILED")
        raise AssertionError("it never arrives")

    def _sent(self, party: str) -> str:
        """Where the newest activation has got to."""
        for _ in range(TRIES):
            sent = max(self.rows(party, "VIEW_ACTIVATIONS", self.cast.name), key=lambda row: str(row["updated_on"]))
            if sent["status"] in ("SHARED", "FAILED"):
                return str(sent["status"])
        raise AssertionError(f"it is still {sent['status']}")

    def _process(self, party: str, what: str) -> None:
        for _ in range(TRIES):
            if self._call(party, "PROCESS_ACTIVATION", self.cast.name, SEGMENT):
                return
        raise AssertionError("nothing has arrived")

    def _set(self, party: str, what: str) -> None:
        self._call(party, "SET_CONFIGURATION", self.cast.name, "ALLOW_ML_JOBS_MONITORING", "false")

    def _remove(self, party: str, what: str) -> None:
        self._call(party, "REMOVE_TEMPLATE", self.cast.name, self.cast.id(what), ["brand"])

    def _leave(self, party: str, what: str) -> None:
        self._out(party, "LEAVE", "LEFT")

    def _teardown(self, party: str, what: str) -> None:
        self._out(party, "TEARDOWN", "DROPPED")

    def _out(self, party: str, procedure: str, end: str) -> None:
        """Twice, and once more for each time that it fails on its way."""
        self._call(party, procedure, self.cast.name)
        for _ in range(TRIES):
            status = self._status(party)
            if status == end:
                return
            if status in ("LOCAL_DROP_PENDING", "LEAVE_FAILED", "DROP_FAILED"):
                self._call(party, procedure, self.cast.name)
        raise AssertionError(f"{party} is {self._status(party)}")

    def _call(self, party: str, procedure: str, *arguments: object) -> list[Row]:
        """A call; where it is refused for what can be mended, that is mended."""
        return self._patiently(party, lambda: self._console.call(party, procedure, *arguments))

    def _patiently(self, party: str, call: Callable[[], list[Row]]) -> list[Row]:
        for _ in range(TRIES):
            try:
                return call()
            except Error as error:
                if not self._mended(party, str(error.msg)):
                    raise
                self.cast.refusals.append(str(error.msg))
        raise AssertionError("\n".join(self.cast.refusals[-TRIES:]))

    def _mended(self, party: str, said: str) -> bool:
        """Whether there was something to do about it, by what it says."""
        status = _STATUS.search(said)
        if grant := _GRANT.search(said):
            self._console.sql(party, grant[0])
        elif "Grant not executed: Insufficient privileges" in said:
            database = f"{party.upper()}_DB"
            for what in ("USAGE ON DATABASE", "USAGE ON ALL SCHEMAS IN DATABASE", "SELECT ON ALL TABLES IN DATABASE"):
                self._console.sql(party, f"GRANT {what} {database} TO ROLE ACCOUNTADMIN WITH GRANT OPTION")
        elif "add your first/last name and email" in said:
            self._console.sql(party, PROFILE)
        elif "Unknown user-defined function" in said:
            self._console.sql(party, f"DESCRIBE APPLICATION SFDCR_{self.cast.name}")
        elif "CollaborationListingReplicationPending" in said or (status and status[1] in _UNDER_WAY):
            self.rows(party, "GET_STATUS", self.cast.name)
        else:
            return False
        return True

    def _reach(self, party: str, wanted: set[str]) -> str:
        """The status, once it is one of these; empty where it is one that nothing leads on from."""
        for _ in range(TRIES):
            status = self._status(party)
            if status in wanted:
                return status
            if status.startswith("CREATE_"):
                return ""
        raise AssertionError(f"{party} is {status}")

    def _status(self, party: str) -> str:
        return str(self._own(party)["status"])

    def _details(self, party: str) -> str:
        return str(self._own(party)["details"])

    def _own(self, party: str) -> Row:
        found = self.rows(party, "GET_STATUS", self.cast.name)
        return next(row for row in found if str(row["collaborator_name"]).lower() == party)

    def _request(self, party: str, about: str) -> str:
        """The newest request of a template, or the newest edit; it may be listed late."""
        for _ in range(TRIES):
            rows = self.rows(party, "VIEW_UPDATE_REQUESTS", self.cast.name)
            found = [
                row
                for row in rows
                if (f'"{about}"' in str(row["details"]) and "Add" in str(row["type"]))
                or (about == "EDIT" and str(row["type"]).startswith("Edit"))
            ]
            if found:
                return str(max(found, key=lambda row: str(row["updated_on"]))["id"])
        raise AssertionError(f"no request of {about}")
