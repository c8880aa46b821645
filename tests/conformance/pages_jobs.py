"""The page about ML jobs."""

from __future__ import annotations

from pages_page import CLEANROOMS, Found, Page, Part
from pages_rooms import REGISTRY, ROOM, Given, collaboration, offering, table, template

JOBS = "CALL CLEANROOM_ML.JOBS.LIST('my_collaboration')"
ENDED = Found(JOBS, "JOB_ID", {"STATUS": "DONE"}, patience_s=90)
_RUNNER = """
me:
  data_providers:
    me: {data_offerings: [{id: ml_v1}]}
  templates: [{id: my_train_template_V9}]
"""
_DATA = (
    *table("ML_DATA", "T", "SELECT HASHED_EMAIL, STATUS FROM SAMOOHA_SAMPLE_DATABASE.DEMO.CUSTOMERS"),
    offering("ml", "v1", "t", "{STATUS: {category: passthrough}}", "ML_DATA.PUBLIC.T"),
)
_CALL = "call cleanroom.my_ml_model$my_train_job({{ compute_pool }}, 1, 'APP_WH', '{}')"
_POOL_PARAMETER = "code_specs: [my_ml_model_V9]\nparameters:\n  - {name: compute_pool, required: true}\n"
_POOL = "CREATE COMPUTE POOL my_ml_pool FOR APPLICATION SFDCR_MY_COLLABORATION MIN_NODES = 1 MAX_NODES = 1"


def _code(stage: str) -> tuple[str, ...]:
    """A code spec and its template, of ours."""
    spec = f"""$$
api_version: 2.0.0
spec_type: code_spec
name: my_ml_model
version: V9
ml_jobs:
  - {{name: my_train_job, entrypoint: train.py, stage_code_dir: '@{stage}/ml_project', allow_monitoring: true}}
$$"""
    return (
        f"{REGISTRY}.REGISTER_CODE_SPEC({spec})",
        template("my_train_template", "V9", _CALL, _POOL_PARAMETER),
    )


def with_a_job(party: str) -> Given:
    """An account in which a job was run in `my_collaboration`."""
    stage = "CREATE STAGE MY_DB.PUBLIC.ML DIRECTORY = (ENABLE = TRUE) ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE')"
    return tuple((party, each) for each in (
        "CREATE DATABASE MY_DB",
        stage,
        "PUT file://train.py @MY_DB.PUBLIC.ML/ml_project/ AUTO_COMPRESS=FALSE",
        "ALTER STAGE MY_DB.PUBLIC.ML REFRESH",
        *_code("MY_DB.PUBLIC.ML"),
        *_DATA,
        collaboration("my_collaboration", "me", {"me": party}, _RUNNER),
        "USE ROLE ACCOUNTADMIN",
        f"{_POOL} INSTANCE_FAMILY = CPU_X64_XS",
        "GRANT USAGE ON COMPUTE POOL my_ml_pool TO APPLICATION SFDCR_MY_COLLABORATION",
        "GRANT USAGE ON WAREHOUSE APP_WH TO APPLICATION SFDCR_MY_COLLABORATION",
        "USE ROLE SAMOOHA_APP_ROLE",
        f"{ROOM}.RUN('my_collaboration', 'my_train_template_V9', ['me.ml_v1.t'], [], {{'compute_pool': 'my_ml_pool'}})",
    ))  # fmt: skip


_ML_JOBS = Page(
    f"{CLEANROOMS}/ml-jobs.md",
    parts=(
        Part("me", 0, 4),
        Part("me", 5, 5, given=tuple(("me", each) for each in (
            *_DATA,
            *_code("MY_DB.PUBLIC.ML_STAGE"),
            collaboration("my_collaboration", "me", {"me": "me"}, _RUNNER),
        ))),
        Part("me", 6, 6, opening=("USE ROLE SAMOOHA_APP_ROLE",)),
        Part("me", 7, 8),
        Part("me", 9, 9, opening=("USE ROLE ACCOUNTADMIN",)),
    ),
    values={
        "<code_spec_id>": "my_ml_model_V0",
        "<installed_app_name>": "SFDCR_MY_COLLABORATION",
        "<template_id>": "my_train_template_V9",
        "<job_id>": ENDED,
    },
    given=(("me", "CREATE DATABASE IF NOT EXISTS MY_DB"),),
    reasons={
        'image_tag: "2.9.0"': "it asks for an image that is not built on this machine",
        'default(\\"APP_WH\\")': "its quotes are escaped, which no Jinja reads; one of ours is run in its place",
    },
    files=("train.py", "score.py"),
)  # fmt: skip
OF_JOBS: tuple[Page, ...] = (_ML_JOBS,)
