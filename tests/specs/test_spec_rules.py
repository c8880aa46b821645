"""Every rule and limit of docs/api-digest.md §2: one text that keeps it, one that breaks it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from cleanroom_ml.errors import UsageError
from cleanroom_ml.specs.code_spec import CodeSpec
from cleanroom_ml.specs.parse import parse_spec
from cleanroom_ml.specs.problems import SpecProblems

JOB = {"name": "train", "entrypoint": "train.py", "stage_code_dir": "@DB.S.ST/code"}
FUNCTION = {
    "name": "f",
    "type": "UDF",
    "language": "PYTHON",
    "handler": "f",
    "returns": "FLOAT",
    "code_body": "def f(): ...",
}
PROCEDURE = {"name": "p", "language": "PYTHON", "handler": "p", "code_body": "def p(s): ..."}
ARTIFACT = {"alias": "a", "stage_path": "@DB.S.ST/a.whl"}
DATASET = {
    "alias": "d",
    "data_object_fqn": "db.s.t",
    "allowed_analyses": "template_only",
    "schema_and_template_policies": {"c": {"category": "passthrough"}},
}
FREEFORM = {**DATASET, "allowed_analyses": "template_and_freeform_sql"}
RUNNER = {"data_providers": {"pub": {"data_offerings": []}}}
CONFIGURATION = "template_configuration"
PRESET = {"alias": "fixed", "template_view_name": "pub.o_v1.d"}

BASES: dict[str, dict[str, Any]] = {
    "code_spec": {"name": "m", "version": "V1", "ml_jobs": [JOB]},
    "template": {"name": "t", "version": "V1", "type": "sql_analysis", "template": "select 1"},
    "data_offering": {"name": "o", "version": "V1", "datasets": [DATASET]},
    "collaboration": {
        "name": "c",
        "owner": "pub",
        "collaborator_identifier_aliases": {"pub": "ORG.PUB", "adv": "ORG.ADV"},
        "analysis_runners": {"adv": RUNNER},
    },
    "analysis": {"template": "t_V1"},
    "ml_job_action": {"job_id": "J_1", "action": "get_status"},
}


def text(kind: str, changes: dict[str, Any]) -> str:
    spec = {"api_version": "2.0.0", "spec_type": kind, **BASES[kind], **changes}
    return yaml.safe_dump({key: value for key, value in spec.items() if value is not ...}, sort_keys=False)


def job(**changes: Any) -> dict[str, Any]:
    return {"ml_jobs": [{**JOB, **changes}]}


def functions(number: int) -> list[dict[str, Any]]:
    return [{**FUNCTION, "name": f"f{index}"} for index in range(number)]


def function(**changes: Any) -> dict[str, Any]:
    return {"functions": [{key: value for key, value in {**FUNCTION, **changes}.items() if value is not ...}]}


def artifact(**changes: Any) -> dict[str, Any]:
    return {"artifacts": [{**ARTIFACT, **changes}]}


def parameter(**changes: Any) -> dict[str, Any]:
    return {"parameters": [{"name": "p", **changes}]}


def columns(**named: Any) -> dict[str, Any]:
    return {"datasets": [{**DATASET, "schema_and_template_policies": named}]}


def dataset(**changes: Any) -> dict[str, Any]:
    return {"datasets": [{**DATASET, **changes}]}


def runner(**changes: Any) -> dict[str, Any]:
    return {"analysis_runners": {"adv": {**RUNNER, **changes}}}


def configuration(**changes: Any) -> dict[str, Any]:
    return {CONFIGURATION: changes}


EMAIL = {"category": "join_standard", "column_type": "email"}
POLICY = {"name": "db.s.p", "columns": ["c"]}

# (spec type, changes that keep the rule, changes that break it, field reported)
RULES: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("code_spec", {}, {"api_version": "1.0.0"}, "api_version"),
    ("code_spec", {"name": "a" * 75}, {"name": "a" * 76}, "name"),
    ("code_spec", {"name": "_a1"}, {"name": "1a"}, "name"),
    ("code_spec", {"name": '"My model"'}, {"name": "My model"}, "name"),
    ("code_spec", {"name": "a_b"}, {"name": "a$b"}, "name"),
    ("code_spec", {"name": "ab"}, {"name": "åb"}, "name"),
    ("code_spec", {"version": "a" * 20}, {"version": "a" * 21}, "version"),
    ("code_spec", {"version": "2025_10_22_V1"}, {"version": "1.0"}, "version"),
    ("code_spec", {"description": "d" * 1000}, {"description": "d" * 1001}, "description"),
    ("code_spec", {}, {"ml_jobs": ...}, ""),
    ("code_spec", {"ml_jobs": ..., "procedures": [PROCEDURE]}, {"ml_jobs": []}, ""),
    (
        "code_spec",
        {"ml_jobs": [{**JOB, "name": f"j{i}"} for i in range(5)]},
        {"ml_jobs": [{**JOB, "name": f"j{i}"} for i in range(6)]},
        "ml_jobs",
    ),
    ("code_spec", {"functions": functions(5)}, {"functions": functions(6)}, "functions"),
    (
        "code_spec",
        {"functions": functions(4), "procedures": [PROCEDURE]},
        {"functions": functions(5), "procedures": [PROCEDURE]},
        "functions",
    ),
    (
        "code_spec",
        {"artifacts": [{**ARTIFACT, "alias": f"a{i}"} for i in range(5)]},
        {"artifacts": [{**ARTIFACT, "alias": f"a{i}"} for i in range(6)]},
        "artifacts",
    ),
    ("code_spec", artifact(content_hash="0a" * 32), artifact(content_hash="0A" * 32), "artifacts[0].content_hash"),
    ("code_spec", artifact(), artifact(content_hash="0a" * 31), "artifacts[0].content_hash"),
    ("code_spec", artifact(description="d" * 500), artifact(description="d" * 501), "artifacts[0].description"),
    ("code_spec", artifact(stage_path="@S.ST/a.whl"), artifact(stage_path="S.ST/a.whl"), "artifacts[0].stage_path"),
    ("code_spec", artifact(), artifact(stage_path="@S.ST/../a.whl"), "artifacts[0].stage_path"),
    ("code_spec", artifact(), artifact(stage_path="@S.ST/"), "artifacts[0].stage_path"),
    (
        "code_spec",
        {"ml_jobs": [JOB, {**JOB, "name": "score"}]},
        {"ml_jobs": [JOB, {**JOB, "name": "TRAIN"}]},
        "ml_jobs[1].name",
    ),
    (
        "code_spec",
        {"ml_jobs": [JOB, {**JOB, "name": '"train"'}]},
        {"ml_jobs": [JOB, {**JOB, "name": '"TRAIN"'}]},
        "ml_jobs[1].name",
    ),
    (
        "code_spec",
        {"functions": functions(2)},
        {"functions": [FUNCTION, {**FUNCTION, "name": "F"}]},
        "functions[1].name",
    ),
    ("code_spec", job(name="j" * 255), job(name="j" * 256), "ml_jobs[0].name"),
    ("code_spec", job(entrypoint="src/run.py"), job(entrypoint="run.train"), "ml_jobs[0].entrypoint"),
    ("code_spec", job(entrypoint="./run.py"), job(entrypoint="run.PY"), "ml_jobs[0].entrypoint"),
    ("code_spec", job(), job(entrypoint="../run.py"), "ml_jobs[0].entrypoint"),
    ("code_spec", job(), job(entrypoint="/run.py"), "ml_jobs[0].entrypoint"),
    ("code_spec", job(), job(entrypoint="a\\run.py"), "ml_jobs[0].entrypoint"),
    ("code_spec", job(), job(entrypoint="a//run.py"), "ml_jobs[0].entrypoint"),
    ("code_spec", job(), job(entrypoint=".py"), "ml_jobs[0].entrypoint"),
    ("code_spec", job(stage_code_dir="@DB.S.ST/a/b/"), job(stage_code_dir="@S.ST/a"), "ml_jobs[0].stage_code_dir"),
    ("code_spec", job(stage_code_dir='@DB."my S".ST/a'), job(stage_code_dir="@DB.S.ST"), "ml_jobs[0].stage_code_dir"),
    ("code_spec", job(), job(stage_code_dir="@DB.S.ST/../x"), "ml_jobs[0].stage_code_dir"),
    ("code_spec", job(), job(stage_code_dir="@DB.S.ST/a..b"), "ml_jobs[0].stage_code_dir"),
    ("code_spec", job(), job(stage_code_dir="@DB.S.ST/a\\b"), "ml_jobs[0].stage_code_dir"),
    ("code_spec", job(), job(stage_code_dir="@DB.S.ST/a/train.py"), "ml_jobs[0].stage_code_dir"),
    ("code_spec", job(), job(stage_code_dir="s3://bucket/a"), "ml_jobs[0].stage_code_dir"),
    ("code_spec", job(), job(stage_code_dir="@DB.S.ST/a'; drop table t; --"), "ml_jobs[0].stage_code_dir"),
    ("code_spec", job(description="d" * 1000), job(description="d" * 1001), "ml_jobs[0].description"),
    ("code_spec", job(allow_monitoring=True), job(allow_monitoring="yes"), "ml_jobs[0].allow_monitoring"),
    ("code_spec", job(image_tag="t" * 64), job(image_tag="t" * 65), "ml_jobs[0].image_tag"),
    ("code_spec", job(image_tag="2.9.0"), job(image_tag="a/b:c"), "ml_jobs[0].image_tag"),
    ("code_spec", job(pip_requirements=["a>=1"]), job(pip_requirements=["-r x"]), "ml_jobs[0].pip_requirements[0]"),
    ("code_spec", job(pip_requirements=["a"]), job(pip_requirements="a"), "ml_jobs[0].pip_requirements"),
    ("code_spec", function(type="UDF"), function(type="UDAF"), "functions[0].type"),
    (
        "code_spec",
        function(type="UDTF", returns="TABLE (a NUMBER(38, 0), b STRING)"),
        function(type="UDTF"),
        "functions[0].returns",
    ),
    ("code_spec", function(), function(returns="TABLE (a INT)"), "functions[0].returns"),
    ("code_spec", function(returns="NUMBER(38,0)"), function(returns="FLOAT; drop table t"), "functions[0].returns"),
    ("code_spec", function(), function(returns="NUMBER(38"), "functions[0].returns"),
    ("code_spec", function(), function(returns=...), "functions[0].returns"),
    ("code_spec", function(), function(language="JAVA"), "functions[0].language"),
    ("code_spec", function(runtime_version="3.10"), function(runtime_version="3.9"), "functions[0].runtime_version"),
    ("code_spec", function(runtime_version="3.14"), function(runtime_version="3.15"), "functions[0].runtime_version"),
    ("code_spec", function(handler="m.f"), function(handler="m.f()"), "functions[0].handler"),
    (
        "code_spec",
        function(arguments=[{"name": "x", "type": "INT"}]),
        function(arguments=[{"name": "x"}]),
        "functions[0].arguments[0].type",
    ),
    ("code_spec", function(packages=["numpy==2.1"]), function(packages=["a.whl"]), "functions[0].packages[0]"),
    (
        "code_spec",
        {**artifact(), **function(code_body=..., imports=["A"])},
        {**artifact(), **function(imports=["a"])},
        "functions[0].code_body",
    ),
    (
        "code_spec",
        {**artifact(), **function(code_body=..., imports=["a"])},
        {**artifact(), **function(code_body=..., imports=["b"])},
        "functions[0].imports[0]",
    ),
    ("code_spec", function(), function(code_body=...), "functions[0]"),
    ("code_spec", {"procedures": [PROCEDURE]}, {"procedures": [{**PROCEDURE, "type": "UDF"}]}, "procedures[0].type"),
    ("template", {"name": "t" * 75}, {"name": "t" * 76}, "name"),
    ("template", {"version": "1"}, {"version": ""}, "version"),
    ("template", {"type": "sql_activation"}, {"type": "sql"}, "type"),
    ("template", {"methodology": "m" * 1000}, {"methodology": "m" * 1001}, "methodology"),
    ("template", {}, {"template": "  \n"}, "template"),
    ("template", parameter(name="p" * 255), parameter(name="p" * 256), "parameters[0].name"),
    ("template", parameter(description="d" * 500), parameter(description="d" * 501), "parameters[0].description"),
    ("template", parameter(type="Boolean", default=True), parameter(type="date"), "parameters[0].type"),
    ("template", parameter(type="integer", default=3), parameter(type="integer", default=3.5), "parameters[0].default"),
    ("template", parameter(type="number", default=3), parameter(type="number", default=True), "parameters[0].default"),
    ("template", parameter(type="array", default=[1]), parameter(type="array", default={}), "parameters[0].default"),
    ("template", parameter(default=1.5), parameter(default=float("nan")), "parameters[0].default"),
    (
        "template",
        {"parameters": [{"name": "a"}, {"name": "b"}]},
        {"parameters": [{"name": "a"}, {"name": "A"}]},
        "parameters[1].name",
    ),
    ("template", {"code_specs": ["m_V1"]}, {"code_specs": ["m"]}, "code_specs[0]"),
    ("template", {"code_specs": ["m_V1"]}, {"code_specs": ["_m_V1"]}, "code_specs[0]"),
    ("template", {"code_specs": ["m_V1", "m_V2"]}, {"code_specs": ["m_V1", "M_v1"]}, "code_specs[1]"),
    ("template", {"preset_tables": [PRESET]}, {"preset_tables": [{**PRESET, "alias": "p"}]}, "preset_tables[0].alias"),
    (
        "template",
        {"preset_tables": [{**PRESET, "alias": "pub"}]},
        {"preset_tables": [{**PRESET, "alias": "C12"}]},
        "preset_tables[0].alias",
    ),
    ("template", {"preset_tables": [PRESET]}, {"preset_tables": [PRESET, PRESET]}, "preset_tables[1].alias"),
    (
        "template",
        {"preset_tables": [PRESET]},
        {"preset_tables": [{**PRESET, "template_view_name": "o_v1.d"}]},
        "preset_tables[0].template_view_name",
    ),
    (
        "template",
        {"code_specs": ["m_V1"], "template": "call cleanroom.M$train(1)"},
        {"code_specs": ["m_V1"], "template": "call cleanroom.other$train(1)"},
        "template",
    ),
    ("data_offering", {}, {"datasets": []}, "datasets"),
    (
        "data_offering",
        {"datasets": [DATASET, {**DATASET, "alias": "e"}]},
        {"datasets": [DATASET, {**DATASET, "alias": "D"}]},
        "datasets[1].alias",
    ),
    ("data_offering", dataset(alias="d" * 75), dataset(alias="d" * 76), "datasets[0].alias"),
    (
        "data_offering",
        dataset(data_object_fqn='"d b".s.t'),
        dataset(data_object_fqn="s.t"),
        "datasets[0].data_object_fqn",
    ),
    (
        "data_offering",
        dataset(data_object_fqn=f"d.s.{'t' * 769}"),
        dataset(data_object_fqn=f"d.s.{'t' * 770}"),
        "datasets[0].data_object_fqn",
    ),
    ("data_offering", dataset(**FREEFORM), dataset(allowed_analyses="all"), "datasets[0].allowed_analyses"),
    ("data_offering", dataset(object_class="ads_log"), dataset(object_class="logs"), "datasets[0].object_class"),
    ("data_offering", columns(e=EMAIL), columns(), "datasets[0].schema_and_template_policies"),
    (
        "data_offering",
        columns(e=EMAIL),
        columns(e={"category": "join_standard"}),
        "datasets[0].schema_and_template_policies.e",
    ),
    (
        "data_offering",
        columns(e=EMAIL),
        columns(e={"category": "join_standard", "column_type": "e-mail"}),
        "datasets[0].schema_and_template_policies.e.column_type",
    ),
    (
        "data_offering",
        columns(e={"category": "join_custom"}),
        columns(e={"category": "join"}),
        "datasets[0].schema_and_template_policies.e.category",
    ),
    (
        "data_offering",
        columns(a=EMAIL, b={"category": "passthrough", "column_type": "email"}),
        columns(a=EMAIL, b=EMAIL),
        "datasets[0].schema_and_template_policies.b",
    ),
    (
        "data_offering",
        columns(a={"category": "timestamp"}),
        columns(a={"category": "timestamp"}, b={"category": "timestamp"}),
        "datasets[0].schema_and_template_policies.b",
    ),
    (
        "data_offering",
        columns(email=EMAIL),
        columns(a=EMAIL, email={"category": "passthrough"}),
        "datasets[0].schema_and_template_policies.email",
    ),
    (
        "data_offering",
        columns(a=EMAIL),
        columns(a=EMAIL, A={"category": "passthrough"}),
        "datasets[0].schema_and_template_policies.A",
    ),
    (
        "data_offering",
        columns(a={**EMAIL, "activation_allowed": True}),
        columns(a={**EMAIL, "activation_allowed": 1}),
        "datasets[0].schema_and_template_policies.a.activation_allowed",
    ),
    (
        "data_offering",
        columns(**{'"my col"': EMAIL}),
        columns(**{"my col": EMAIL}),
        "datasets[0].schema_and_template_policies.'my col'",
    ),
    (
        "data_offering",
        {
            "datasets": [
                {**FREEFORM, "require_freeform_sql_policy": True, "freeform_sql_policies": {"join_policy": POLICY}}
            ]
        },
        {"datasets": [{**FREEFORM, "require_freeform_sql_policy": True, "freeform_sql_policies": {}}]},
        "datasets[0].require_freeform_sql_policy",
    ),
    (
        "data_offering",
        {
            "datasets": [
                {
                    **FREEFORM,
                    "freeform_sql_policies": {
                        "masking_policies": [POLICY],
                        "aggregation_policy": {"name": "a.b.c", "entity_keys": ["email"]},
                    },
                }
            ]
        },
        {"datasets": [{**FREEFORM, "freeform_sql_policies": {"join_policy": [POLICY]}}]},
        "datasets[0].freeform_sql_policies.join_policy",
    ),
    ("collaboration", {}, {"owner": "nobody"}, "owner"),
    ("collaboration", {"owner": "PUB"}, {"owner": "o" * 26}, "owner"),
    ("collaboration", {"distribution": "external"}, {"distribution": "internal"}, "distribution"),
    (
        "collaboration",
        {},
        {"collaborator_identifier_aliases": {"pub": "ORG.PUB", "adv": "ADV"}},
        "collaborator_identifier_aliases.adv",
    ),
    (
        "collaboration",
        {},
        {"collaborator_identifier_aliases": {"pub": "ORG.A", "adv": "org.a"}},
        "collaborator_identifier_aliases.adv",
    ),
    (
        "collaboration",
        {},
        {"collaborator_identifier_aliases": {"pub": "ORG.A", "adv": "O.B", "PUB": "O.C"}},
        "collaborator_identifier_aliases.PUB",
    ),
    ("collaboration", {}, {"analysis_runners": {}}, "analysis_runners"),
    ("collaboration", {}, {"analysis_runners": {"who": RUNNER}}, "analysis_runners.who"),
    ("collaboration", runner(), runner(data_providers={}), "analysis_runners.adv.data_providers"),
    (
        "collaboration",
        runner(),
        runner(data_providers={"who": {"data_offerings": []}}),
        "analysis_runners.adv.data_providers.who",
    ),
    (
        "collaboration",
        runner(data_providers={"pub": {"data_offerings": [{"id": "o_v1"}]}}),
        runner(data_providers={"pub": {"data_offerings": [{"id": "o"}]}}),
        "analysis_runners.adv.data_providers.pub.data_offerings[0].id",
    ),
    (
        "collaboration",
        runner(),
        runner(data_providers={"pub": {}}),
        "analysis_runners.adv.data_providers.pub.data_offerings",
    ),
    (
        "collaboration",
        runner(templates=[{"id": "t_v1"}]),
        runner(templates=[{"id": "t_v1"}, {"id": "T_V1"}]),
        "analysis_runners.adv.templates[1].id",
    ),
    (
        "collaboration",
        runner(activation_destinations={"snowflake_collaborators": ["adv"]}),
        runner(activation_destinations={"snowflake_collaborators": ["who"]}),
        "analysis_runners.adv.activation_destinations.snowflake_collaborators[0]",
    ),
    ("analysis", {"name": "n", "version": "1"}, {"template": "t"}, "template"),
    (
        "analysis",
        configuration(view_mappings={"source_tables": ["p.o_v1.d"]}),
        configuration(view_mappings={"source_tables": ["o_v1.d"]}),
        f"{CONFIGURATION}.view_mappings.source_tables[0]",
    ),
    (
        "analysis",
        configuration(view_mappings={"extra": "p.o_v1.d"}),
        configuration(view_mappings={"extra": "d"}),
        f"{CONFIGURATION}.view_mappings.extra",
    ),
    (
        "analysis",
        configuration(view_mappings={"arguments": "p.o_v1.d"}),
        configuration(view_mappings={"arguments": {"x": "p.o_v1.d"}}),
        f"{CONFIGURATION}.view_mappings.arguments",
    ),
    (
        "analysis",
        configuration(local_view_mappings={"my_tables": ["p.o_v1.d"]}),
        configuration(local_view_mappings={"my_tables": "p.o_v1.d"}),
        f"{CONFIGURATION}.local_view_mappings.my_tables",
    ),
    (
        "analysis",
        configuration(arguments={"a": {"b": [1, None]}}),
        configuration(arguments={"preset_tables": {}}),
        f"{CONFIGURATION}.arguments.preset_tables",
    ),
    (
        "analysis",
        configuration(arguments={}),
        configuration(arguments={"PRESET_TABLES": {}}),
        f"{CONFIGURATION}.arguments.PRESET_TABLES",
    ),
    (
        "analysis",
        configuration(arguments={}),
        configuration(arguments={"source_table": ["x"]}),
        f"{CONFIGURATION}.arguments.source_table",
    ),
    ("analysis", configuration(arguments={"a" * 255: 1}), configuration(arguments={"a" * 256: 1}), ""),
    (
        "analysis",
        configuration(activation={"snowflake_collaborator": "a" * 25, "segment_name": "s" * 255}),
        configuration(activation={"snowflake_collaborator": "a", "segment_name": "s" * 256}),
        f"{CONFIGURATION}.activation.segment_name",
    ),
    (
        "analysis",
        configuration(),
        configuration(activation={"segment_name": "s"}),
        f"{CONFIGURATION}.activation.snowflake_collaborator",
    ),
    ("ml_job_action", {"action": "GET_LOGS"}, {"action": "get_secret"}, "action"),
    ("ml_job_action", {"action": "Get_Result"}, {"action": True}, "action"),
    ("ml_job_action", {"job_id": "DB.S.MLJOB_1"}, {"job_id": "x'; drop"}, "job_id"),
    ("ml_job_action", {"action": "get_logs"}, {"action": "get_logs", "offset": 5}, "offset"),
    ("ml_job_action", {"action": "get_status"}, {"action": "cancel"}, "action"),
]


@pytest.mark.parametrize(
    ("kind", "good", "bad", "field"), RULES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_rule(kind: str, good: dict[str, Any], bad: dict[str, Any], field: str) -> None:
    assert parse_spec(text(kind, good)).spec_type == kind
    with pytest.raises(SpecProblems) as caught:
        parse_spec(text(kind, bad), source="spec.yaml")
    fields = [problem.field for problem in caught.value.problems]
    assert field in fields if field else fields
    assert all(
        problem.file == "spec.yaml" and problem.line >= 1 and problem.column >= 1 for problem in caught.value.problems
    )
    assert isinstance(caught.value, UsageError)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("kind", BASES)
def test_unknown_and_missing_keys_are_refused_in_every_spec(kind: str) -> None:
    with pytest.raises(SpecProblems, match="unknown key 'surprise'"):
        parse_spec(text(kind, {"surprise": 1}))
    for key in BASES[kind]:
        if key == "ml_jobs":
            continue
        with pytest.raises(SpecProblems) as caught:
            parse_spec(text(kind, {key: ...}))
        assert [(problem.field, problem.what) for problem in caught.value.problems] == [(key, "the key is missing")]


def test_a_code_body_may_have_12_mb_and_no_more() -> None:
    lines = ("x" * 1023 + "\n") * (12 * 1024)
    assert len(lines) == 12 * 1024**2
    head = text("code_spec", function(code_body=...)) + "  code_body: |\n"
    spec = parse_spec(head + "    " + lines.replace("\n", "\n    ").rstrip(" "))
    assert isinstance(spec, CodeSpec)
    assert spec.functions[0].code_body == lines
    with pytest.raises(SpecProblems, match="12 MB"):
        parse_spec(head + "    " + lines.replace("\n", "\n    ") + "y\n")


def test_models_are_frozen() -> None:
    spec = parse_spec(text("template", {}))
    with pytest.raises(ValueError, match="frozen"):
        spec.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(("name", "expected"), [("m", "m_V1"), ('"My m"', '"My m_V1"')])
def test_an_id_is_name_and_version(name: str, expected: str) -> None:
    assert parse_spec(text("template", {"name": name})).id == expected
