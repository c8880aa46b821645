"""The files of a new project: small, but whole, with data to try them on. `projects.start` writes them.

Everything that an account has one of by its name (specs, stage directory, table, pool, segment) begins with the
collaboration's, so that a second project of the same account meets nothing of the first.

Each spec is commented key by key from the reference. A provider that has customers, and a runner that knows who bought.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from cleanroom_ml.services.commented import commented

_PROVIDER_PROJECT = """\
version: 1
collaboration: {name}
stage: ML_DB.PUBLIC.ML_STAGE/{name}
code: code/
code_specs: [code_spec.yaml]
templates: [train.yaml, activate.yaml]
offerings: [customers.yaml]
share_with: [{runner}]

# A runner's project has `reviewed`, `pool`, `runs` and `activate` instead: cleanroom-ml help cleanroom
"""
_COLLABORATION = """\
api_version: 2.0.0
spec_type: collaboration
name: {name}
description: Which customers of {provider} are likely to buy from {runner}.
owner: {provider}
#distribution: external
collaborator_identifier_aliases:
  {provider}: {provider_account}
  {runner}: {runner_account}
analysis_runners:
  {runner}:
    data_providers:
      {provider}:
        data_offerings: []
      {runner}:
        data_offerings: []
    #templates: []
    activation_destinations:
      snowflake_collaborators: [{provider}]
"""
_CODE_SPEC = """\
api_version: 2.0.0
spec_type: code_spec
name: {name}_code
version: V1
description: Learns which age bands respond, and scores every customer.
ml_jobs:
  - name: train
    entrypoint: train.py
    stage_code_dir: '@ML_DB.PUBLIC.ML_STAGE/{name}'
    description: Writes cleanroom.scores; returns the response rate of each age band.
    allow_monitoring: true
    #pip_requirements: [scikit-learn, 'xgboost-cpu>=3']
    #image_tag: local
#artifacts: []
#functions: []
#procedures: []
"""
_TRAIN = """\
api_version: 2.0.0
spec_type: template
name: {name}_train
version: V1
type: sql_analysis
description: Learn which age bands respond, and score every customer.
#methodology: Share of buyers in each age band; bands that are too small get the share of all.
parameters:
  - name: compute_pool
    description: The runner's compute pool.
    type: string
    required: true
  - name: num_instances
    description: Nodes of the pool.
    type: integer
    default: 1
  - name: warehouse
    description: The warehouse of the job's SQL.
    type: string
    default: APP_WH
  - name: smallest_band
    description: Age bands with fewer customers are not told apart.
    type: integer
    default: 5
code_specs: [{name}_code_V1]
#preset_tables: []
template: |
  call cleanroom.{name}_code$train(
    {{{{ compute_pool }}}}, {{{{ num_instances | default(1) }}}}, {{{{ warehouse | default('APP_WH') }}}},
    OBJECT_CONSTRUCT(
      'customers', {{{{ source_table[0] }}}},
      'buyers', {{{{ source_table[1] }}}},
      'smallest_band', {{{{ smallest_band | default(5) }}}}
    )::VARCHAR
  )
"""
_ACTIVATE = """\
api_version: 2.0.0
spec_type: template
name: {name}_activate
version: V1
type: sql_activation
description: The best-scored customers who have not bought yet.
parameters:
  - name: audience_size
    description: How many customers to send at the most.
    type: integer
    default: 10
template: |
  BEGIN
    CREATE OR REPLACE TABLE cleanroom.activation_data_audience AS
      SELECT hashed_email_sha256, score
      FROM cleanroom.scores
      WHERE NOT bought AND place <= {{{{ audience_size | default(10) }}}};
    RETURN 'audience';
  END;
"""
_CUSTOMERS = """\
api_version: 2.0.0
spec_type: data_offering
name: {name}_customers
version: V1
description: Customers by their hashed e-mail address, with age band and spend.
datasets:
  - alias: customers
    data_object_fqn: {customers}
    allowed_analyses: template_only
    object_class: custom
    schema_and_template_policies:
      hashed_email:
        category: join_standard
        column_type: hashed_email_sha256
        activation_allowed: true
      age_band:
        category: passthrough
      spend:
        category: passthrough
    #freeform_sql_policies: {{}}
    #require_freeform_sql_policy: false
"""
_BUYERS = """\
api_version: 2.0.0
spec_type: data_offering
name: {name}_buyers
version: V1
description: Hashed e-mail addresses of the people who bought.
datasets:
  - alias: buyers
    data_object_fqn: {buyers}
    allowed_analyses: template_only
    object_class: custom
    schema_and_template_policies:
      hashed_email:
        category: join_standard
        column_type: hashed_email_sha256
"""
_RUNNER_PROJECT = """\
version: 1
collaboration: {name}
owner: {provider_account}
offerings: [buyers.yaml]
#reviewed: reviewed_code/
pool:
  name: {pool}
  family: CPU_X64_S
  nodes: 1
runs:
  train:
    template: {name}_train
    tables: [{provider}.{name}_customers_V1.customers, {runner}.{name}_buyers_V1.buyers]
    #my_tables: []
    args:
      smallest_band: 5
    #nodes: 1
    #pool: {pool}
    #warehouse: APP_WH
activate:
  template: {name}_activate
  to: {provider}
  segment: {name}_audience
  #tables: []
  #my_tables: []
  args:
    audience_size: 10
  #warehouse: APP_WH
"""
_SCRIPT = '''\
"""Runs in the clean room: python train.py --args '{"customers": "…", "buyers": "…", "smallest_band": 5}'.

Reads the tables of its run by the names that it is given, and writes tables of the room, `cleanroom.…`; it reaches
nothing else. What it prints is its log; what it leaves in `__return__` (JSON) is its result.
"""

import argparse
import json

from snowflake.snowpark import Window
from snowflake.snowpark import functions as F
from snowflake.snowpark.context import get_active_session

parser = argparse.ArgumentParser()
parser.add_argument("--args", type=json.loads, default={})
args = parser.parse_args().args

session = get_active_session()
customers = session.table(args["customers"])
buyers = session.table(args["buyers"]).select(F.col("HASHED_EMAIL_SHA256").alias("BUYER"))
joined = customers.join(buyers, customers["HASHED_EMAIL_SHA256"] == buyers["BUYER"], "left").select(
    "HASHED_EMAIL_SHA256", "AGE_BAND", F.col("BUYER").is_not_null().alias("BOUGHT")
)
rows = joined.to_pandas()
overall = float(rows["BOUGHT"].mean())
rates = {}
for band, group in rows.groupby("AGE_BAND"):
    rates[band] = float(group["BOUGHT"].mean()) if len(group) >= args["smallest_band"] else overall
    print(f"{band}: {len(group)} customers, response {rates[band]:.2f}")

rows["SCORE"] = rows["AGE_BAND"].map(rates)
scores = session.create_dataframe(rows[["HASHED_EMAIL_SHA256", "SCORE", "BOUGHT"]])
order = Window.order_by(F.col("BOUGHT"), F.col("SCORE").desc(), F.col("HASHED_EMAIL_SHA256"))
scores.with_column("PLACE", F.row_number().over(order)).write.save_as_table("cleanroom.scores", mode="overwrite")

__return__ = {"customers": len(rows), "response": overall, "by_age_band": rates}
'''
_BANDS = ("18-29", "30-44", "45-59", "60+")
_BUYERS_OF_TEN = (6, 4, 2, 1)
_CUSTOMER_COUNT = 60


@dataclass(frozen=True, slots=True)
class Party:
    """A collaborator as the specs name it: `alias`, and `account` as ORGANIZATION.ACCOUNT."""

    alias: str
    account: str


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    text: str
    word: str = ""

    def written(self, values: dict[str, str]) -> str:
        return commented(self.text.format(**values), self.word) if self.word else self.text


def files(role: str, name: str, provider: Party, runner: Party) -> dict[str, str]:
    """Relative path → text of every file of a new project.

    Args:
        role: `provider` or `runner`.
        name: the collaboration's.
    """
    values = {
        "name": name,
        "pool": f"{name.upper()}_POOL",
        "customers": table("provider", name),
        "buyers": table("runner", name),
        "provider": provider.alias,
        "provider_account": provider.account,
        "runner": runner.alias,
        "runner_account": runner.account,
    }
    return {file.path: file.written(values) for file in _ROLES[role]()}


def table(role: str, name: str) -> str:
    """The table that a role's data is to be loaded into."""
    return f"ML_DB.PUBLIC.{name.upper()}_CUSTOMERS" if role == "provider" else f"CRM_DB.PUBLIC.{name.upper()}_BUYERS"


def _of_the_provider() -> tuple[_File, ...]:
    return (
        _File("cleanroom.yaml", _PROVIDER_PROJECT, "cleanroom"),
        _File("collaboration.yaml", _COLLABORATION, "collaboration"),
        _File("code_spec.yaml", _CODE_SPEC, "code_spec"),
        _File("train.yaml", _TRAIN, "template"),
        _File("activate.yaml", _ACTIVATE, "template"),
        _File("customers.yaml", _CUSTOMERS, "data_offering"),
        _File("code/train.py", _SCRIPT),
        _File("data/customers.csv", _customers()),
    )


def _of_the_runner() -> tuple[_File, ...]:
    return (
        _File("cleanroom.yaml", _RUNNER_PROJECT, "cleanroom"),
        _File("buyers.yaml", _BUYERS, "data_offering"),
        _File("data/buyers.csv", _buyers()),
    )


_ROLES: dict[str, Callable[[], tuple[_File, ...]]] = {"provider": _of_the_provider, "runner": _of_the_runner}


def _hashed(number: int) -> str:
    return hashlib.sha256(f"customer{number}@example.com".encode()).hexdigest()


def _customers() -> str:
    lines = [f"{_hashed(n)},{_BANDS[n % len(_BANDS)]},{20 + n * 37 % 200}.50" for n in range(_CUSTOMER_COUNT)]
    return "\n".join(["hashed_email,age_band,spend", *lines]) + "\n"


def _buyers() -> str:
    """Made-up people who bought: more of the younger ones, and two that the provider does not know."""
    known = [n for n in range(_CUSTOMER_COUNT) if n * 7 % 10 < _BUYERS_OF_TEN[n % len(_BANDS)]]
    return "\n".join(["hashed_email", *(_hashed(n) for n in [*known, 1001, 1002])]) + "\n"
