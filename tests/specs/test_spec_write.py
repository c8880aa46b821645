"""What is written back parses to the same model, always as the same text."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cleanroom_ml.specs.parse import parse_spec
from cleanroom_ml.specs.write import dump_spec

identifiers = st.one_of(
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True),
    st.sampled_from(["yes", "No", "on", "null", "true", "y", "_1", "e1"]),
)
versions = st.from_regex(r"[A-Za-z0-9_]{1,20}", fullmatch=True)
visible = st.characters(
    exclude_categories=("Cs", "Cc", "Cn"),
    exclude_characters="\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff",
)
texts = st.text(st.one_of(visible, st.sampled_from(" \n\t:#-'\"|>&*!%@`{}[],?")), max_size=60)
ids = st.tuples(identifiers, versions).map("_".join)
views = st.tuples(identifiers, identifiers, identifiers).map(".".join)
json_values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**63), 2**63), st.floats(allow_nan=False, allow_infinity=False), texts
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=8,
)
arguments = st.dictionaries(identifiers, json_values, max_size=4)


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


analyses = st.fixed_dictionaries(
    {"template": ids},
    optional={
        "name": identifiers,
        "version": versions,
        "description": texts,
        "template_configuration": optional(
            view_mappings=st.dictionaries(identifiers, views, max_size=3).flatmap(
                lambda named: st.lists(views, max_size=2).map(lambda listed: named | {"source_tables": listed})
            ),
            local_view_mappings=st.dictionaries(identifiers, views, max_size=3),
            arguments=arguments,
            activation=st.fixed_dictionaries({"snowflake_collaborator": identifiers, "segment_name": identifiers}),
        ),
    },
).map(lambda spec: {"api_version": "2.0.0", "spec_type": "analysis", **spec})

templates = st.fixed_dictionaries(
    {
        "name": identifiers,
        "version": versions,
        "type": st.sampled_from(["sql_analysis", "sql_activation"]),
        "template": texts.filter(str.strip),
    },
    optional={
        "description": texts,
        "methodology": texts,
        "parameters": st.lists(
            st.fixed_dictionaries(
                {"name": identifiers},
                optional={"default": json_values, "required": st.booleans(), "description": texts},
            ),
            max_size=3,
            unique_by=lambda item: item["name"].upper(),
        ),
    },
).map(lambda spec: {"api_version": "2.0.0", "spec_type": "template", **spec})


@settings(max_examples=150, deadline=None)
@given(st.one_of(analyses, templates))
def test_round_trip(spec: dict[str, Any]) -> None:
    model = parse_spec(yaml.safe_dump(spec, allow_unicode=False))
    written = dump_spec(model)
    assert parse_spec(written) == model
    assert dump_spec(parse_spec(written)) == written
    assert parse_spec(yaml.safe_dump(yaml.safe_load(written), allow_unicode=False)) == model, (
        "any YAML reader reads it the same"
    )


CODE_SPEC = """\
api_version: 2.0.0
spec_type: code_spec
name: model
version: '1'
artifacts:
  - alias: lib
    stage_path: '@DB.S.ST/lib.zip'
functions:
  - name: f
    language: PYTHON
    runtime_version: '3.10'
    handler: f
    arguments:
      - name: x
        type: FLOAT
    code_body: |
      def f(x):
          return x

      # end
    type: UDF
    returns: FLOAT
ml_jobs:
  - name: train
    entrypoint: train.py
    stage_code_dir: '@DB.S.ST/code'
    pip_requirements:
      - xgboost>=2
    allow_monitoring: true
"""

OTHERS = [
    CODE_SPEC,
    """\
api_version: 2.0.0
spec_type: data_offering
name: o
version: V1
datasets:
  - alias: d
    data_object_fqn: db.s.t
    allowed_analyses: template_only
    schema_and_template_policies:
      'on':
        category: passthrough
      mail:
        category: join_standard
        column_type: email
        activation_allowed: true
""",
    """\
api_version: 2.0.0
spec_type: collaboration
name: c
owner: pub
collaborator_identifier_aliases:
  pub: ORG.PUB
  adv: ORG.ADV
analysis_runners:
  adv:
    data_providers:
      pub:
        data_offerings: []
    templates:
      - id: t_V1
    activation_destinations:
      snowflake_collaborators:
        - adv
""",
    "api_version: 2.0.0\nspec_type: ml_job_action\njob_id: J_1\naction: get_logs\n",
]


@pytest.mark.parametrize("text", OTHERS)
def test_canonical_text_is_written_as_it_was_read(text: str) -> None:
    assert dump_spec(parse_spec(text)) == text
