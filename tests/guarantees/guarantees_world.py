"""A small collaboration of two companies on a real engine, made through the services that the commands use.

One approved ML job runs whatever source the runner passes: "both parties approved hostile code" is then one argument.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cleanroom_ml.connection.session import Connection, connect
from cleanroom_ml.connection.setting import Setting
from cleanroom_ml.connection.target import Target
from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.local import accounts
from cleanroom_ml.services import approvals, collaborations, jobs, offerings, pools, staging, templates
from cleanroom_ml.services.projects import load_project
from cleanroom_ml.services.review import review_request
from cleanroom_ml.services.subjects import subject_of
from cleanroom_ml.services.update_requests import ADD_TEMPLATE, list_requests

ROOM = "vault"
POOL = "POOL"
BIG_ROWS = 1_500_000
LINKED = "shop.offer_v1.visits"
OFFERED_ELSEWHERE = "shop.secret_v1.salaries"
MY_TABLE = "brand.mine_v1.clients"
SEEN = {"shop": (LINKED,), "brand": (MY_TABLE,)}

_PROJECT = """version: 1
collaboration: vault
stage: SHOP_DB.PUBLIC.CODE/vault
code: code/
code_specs: [code_spec.yaml]
templates: [probe.yaml, pick.yaml, keep.yaml]
offerings: [offer.yaml, secret.yaml]
share_with: [brand]
"""
_COLLABORATION = """api_version: 2.0.0
spec_type: collaboration
name: vault
owner: shop
collaborator_identifier_aliases:
  shop: LOCAL.SHOP
  brand: LOCAL.BRAND
analysis_runners:
  brand:
    data_providers:
      shop: {data_offerings: []}
      brand: {data_offerings: []}
    activation_destinations:
      snowflake_collaborators: [shop]
"""
_CODE_SPEC = """api_version: 2.0.0
spec_type: code_spec
name: probe_code
version: V1
ml_jobs:
  - name: probe
    entrypoint: probe.py
    stage_code_dir: '@SHOP_DB.PUBLIC.CODE/vault'
    allow_monitoring: true
"""
_PROBE = """api_version: 2.0.0
spec_type: template
name: probe
version: V1
type: sql_analysis
parameters:
  - {name: compute_pool, description: The runner's pool., type: string, required: true}
  - {name: source, description: What to run., type: string, required: true}
  - {name: options, description: What the source is given., type: string, default: "{}"}
code_specs: [probe_code_V1]
template: |
  call cleanroom.probe_code$probe({{ compute_pool }}, 1, 'COMPUTE_WH',
    OBJECT_CONSTRUCT('source', {{ source }}, 'options', {{ options | default('{}') }})::VARCHAR)
"""
_PICK = """api_version: 2.0.0
spec_type: template
name: pick
version: V1
type: sql_analysis
parameters:
  - {name: city, description: Which city., type: string, required: true}
template: |
  SELECT COUNT(*) AS n FROM IDENTIFIER({{ source_table[0] }}) WHERE city = {{ city }}
"""
_KEEP = """api_version: 2.0.0
spec_type: template
name: keep
version: V1
type: sql_activation
template: |
  BEGIN
    CREATE OR REPLACE TABLE cleanroom.activation_data_keep AS
      SELECT hashed_email_sha256 FROM IDENTIFIER({{ source_table[0] }});
    RETURN 'keep';
  END;
"""
_PROBE_PY = """import argparse, json
parser = argparse.ArgumentParser()
parser.add_argument("--args", type=json.loads)
given = parser.parse_args().args
__return__ = None
options = json.loads(given["options"])
exec(compile(given["source"], "probe", "exec"))
"""
_OFFER = """api_version: 2.0.0
spec_type: data_offering
name: {name}
version: v1
datasets:
  - alias: {dataset}
    data_object_fqn: {table}
    allowed_analyses: template_only
    object_class: custom
    schema_and_template_policies:
{columns}
"""
_EMAIL = "      hashed_email: {category: join_standard, column_type: hashed_email_sha256, activation_allowed: true}"
_CITY = "      city: {category: passthrough}"

_TABLES = {
    "shop": (
        "CREATE DATABASE SHOP_DB",
        "CREATE TABLE SHOP_DB.PUBLIC.VISITS (HASHED_EMAIL VARCHAR, CITY VARCHAR, UNLISTED VARCHAR)",
        "INSERT INTO SHOP_DB.PUBLIC.VISITS SELECT SHA2(COLUMN1), COLUMN2, 'hidden' "
        "FROM VALUES ('e1', 'Bern'), ('e2', 'Bern'), ('e3', 'Chur')",
        "CREATE TABLE SHOP_DB.PUBLIC.SALARIES (HASHED_EMAIL VARCHAR, CITY VARCHAR)",
        "INSERT INTO SHOP_DB.PUBLIC.SALARIES SELECT SHA2('boss'), 'Bern'",
        "CREATE TABLE SHOP_DB.PUBLIC.BIG (N NUMBER(38,0), TEXT VARCHAR) AS "
        f"SELECT SEQ8(), 'row ' || SEQ8()::VARCHAR FROM TABLE(GENERATOR(ROWCOUNT => {BIG_ROWS}))",
    ),
    "brand": (
        "CREATE DATABASE BRAND_DB",
        "CREATE TABLE BRAND_DB.PUBLIC.CLIENTS (HASHED_EMAIL VARCHAR, CITY VARCHAR)",
        "INSERT INTO BRAND_DB.PUBLIC.CLIENTS SELECT SHA2(COLUMN1), 'Bern' FROM VALUES ('e1'), ('e9')",
        "CREATE TABLE BRAND_DB.PUBLIC.BOOKS (SECRET VARCHAR) AS SELECT 'of the brand'",
    ),
}


@dataclass
class World:
    """Both parties, logged in. The collaboration is `vault`: the shop provides, the brand runs."""

    home: Home
    directory: Path
    shop: Connection
    brand: Connection

    def close(self) -> None:
        self.shop.close()
        self.brand.close()

    def submit(
        self,
        source: str,
        *,
        options: str = "{}",
        tables: Sequence[str] = (LINKED,),
        my_tables: Sequence[str] = (),
    ) -> str:
        """Start a job that runs this source; its id."""
        arguments = {"compute_pool": POOL, "source": source, "options": options}
        wanted = jobs.JobRun(ROOM, "probe", tuple(tables), tuple(my_tables), arguments)
        job_id = jobs.run(self.brand, wanted).job_id
        assert job_id is not None
        return job_id

    def end(self, job_id: str, *, seconds: float = 120) -> Any:
        """What the job returned. Fails the test, with the job's log, where it did not end well."""
        ended = jobs.wait(self.brand, ROOM, job_id, timeout_seconds=seconds)
        assert ended.status == "DONE", f"{ended}\n{jobs.logs(self.brand, ROOM, job_id)}"
        return jobs.result(self.brand, ROOM, job_id)

    def job(self, source: str, **given: Any) -> Any:
        """`submit` and `end`."""
        return self.end(self.submit(source, **given))

    def wait_log(self, job_id: str, text: str, *, seconds: float = 60) -> None:
        """Until the job has printed this."""
        log = self.home.jobs / job_id / "stdout.log"
        deadline = time.monotonic() + seconds
        while not (log.exists() and text.encode() in log.read_bytes()):
            status = jobs.status(self.brand, ROOM, job_id)
            assert not status.terminal, f"{status}\n{jobs.logs(self.brand, ROOM, job_id)}"
            assert time.monotonic() < deadline, f"{text!r} was not printed; {status}"
            time.sleep(0.05)

    def pick(self, city: object, table: str = LINKED) -> list[dict[str, Any]]:
        """Run the template `pick`."""
        return list(jobs.run(self.brand, jobs.JobRun(ROOM, "pick", (table,), (), {"city": city})).rows)


def login(home: Home, account: str) -> Connection:
    """A connection to an account of this home's engine, by the section that `account create` wrote."""
    section = accounts.connections(home)[account]
    settings = tuple(Setting(key, value, "the home") for key, value in section.items())
    return connect(Target(account, "engine", settings, "the test", home.path))


def write_project(directory: Path) -> None:
    """The shop's project."""
    (directory / "code").mkdir(parents=True, exist_ok=True)
    files = {
        "cleanroom.yaml": _PROJECT,
        "collaboration.yaml": _COLLABORATION,
        "code_spec.yaml": _CODE_SPEC,
        "probe.yaml": _PROBE,
        "pick.yaml": _PICK,
        "keep.yaml": _KEEP,
        "code/probe.py": _PROBE_PY,
        "offer.yaml": _offer("offer", {"visits": "SHOP_DB.PUBLIC.VISITS"}),
        "secret.yaml": _offer("secret", {"salaries": "SHOP_DB.PUBLIC.SALARIES"}),
        "mine.yaml": _offer("mine", {"clients": "BRAND_DB.PUBLIC.CLIENTS"}),
        "big.yaml": _OFFER.format(
            name="big",
            dataset="rows",
            table="SHOP_DB.PUBLIC.BIG",
            columns="      n: {category: passthrough}\n      text: {category: passthrough}",
        ),
    }
    for name, text in files.items():
        (directory / name).write_text(text)


def _offer(name: str, datasets: dict[str, str]) -> str:
    ((dataset, table),) = datasets.items()
    return _OFFER.format(name=name, dataset=dataset, table=table, columns=f"{_EMAIL}\n{_CITY}")


def build(home: Home, directory: Path) -> World:
    """Everything up to the point where the brand can run the approved job."""
    write_project(directory)
    for account in ("shop", "brand"):
        accounts.create(account, home=home)
    world = World(home, directory, login(home, "shop"), login(home, "brand"))
    for party, statements in _TABLES.items():
        for statement in statements:
            getattr(world, party).execute(statement)
    collaborations.create(world.shop, collaborations.read(directory / "collaboration.yaml"))
    collaborations.join(world.brand, ROOM, owner_account=collaborations.find(world.brand, ROOM).owner_account)
    for party, name in ((world.shop, "offer"), (world.shop, "big"), (world.brand, "mine")):
        offerings.register_offering(party, directory / f"{name}.yaml")
        offerings.link(party, ROOM, f"{name}_v1", ("brand",))
    offerings.register_offering(world.shop, directory / "secret.yaml")
    project = load_project(directory)
    staging.stage_directory(world.shop, directory / "code", staging.StageLocation.parse(str(project.stage)))
    templates.submit(world.shop, project, ROOM, project.template_paths, runners=("brand",))
    approve_all(world)
    pools.create_pool(world.brand, POOL, "CPU_X64_XS", nodes=2, collaboration=ROOM, warehouse=accounts.WAREHOUSE)
    return world


def approve_all(world: World) -> None:
    """The brand approves whatever it is asked for."""
    for request in list_requests(world.brand, ROOM):
        if request.kind == ADD_TEMPLATE:
            review = review_request(ROOM, request, subject_of(world.brand, ROOM, request))
            approvals.approve(world.brand, ROOM, request, review)
