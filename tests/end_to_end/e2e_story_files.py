"""What the five parties of the story have written down: specs, code, and each one's project."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import yaml

PARTIES: Final = ("owner", "shop", "bank", "brand", "agency")
"""An owner apart, two providers, and two runners, of whom the agency comes later."""
JOB: Final = """\
import argparse
import json

from snowflake.snowpark.context import get_active_session

parser = argparse.ArgumentParser()
parser.add_argument("--args", type=json.loads, default={})
tables = parser.parse_args().args["tables"]
__return__ = {"rows": sum(get_active_session().table(name).count() for name in tables)}
"""
_HEAD: Final = "api_version: 2.0.0\nspec_type: "
_CALL: Final = """\
  call cleanroom.counting$count(
    {{ compute_pool }}, {{ num_instances | default(1) }}, {{ warehouse | default('COMPUTE_WH') }},
    OBJECT_CONSTRUCT('tables', ARRAY_CONSTRUCT({{ source_table[0] }}, {{ source_table[1] }}))::VARCHAR)
"""
_SEND: Final = """\
  BEGIN
    CREATE OR REPLACE TABLE cleanroom.activation_data_people AS
      SELECT hashed_email_sha256 FROM IDENTIFIER({{ source_table[0] }});
    RETURN 'people';
  END;
"""
ROWS: Final = {"shop": 3, "bank": 2}
SEGMENT: Final = "people_q3"


def data(party: str) -> list[str]:
    """What a provider's own data team did long ago."""
    rows = ", ".join(f"(SHA2('{party}{number % 2}'), 'Oslo')" for number in range(ROWS[party]))
    return [
        f"CREATE DATABASE IF NOT EXISTS {party.upper()}_DB",
        f"CREATE OR REPLACE TABLE {party.upper()}_DB.PUBLIC.PEOPLE (HASHED_EMAIL VARCHAR, CITY VARCHAR)",
        f"INSERT INTO {party.upper()}_DB.PUBLIC.PEOPLE (HASHED_EMAIL, CITY) SELECT * FROM (VALUES {rows})",
    ]


def offering(party: str, version: str) -> str:
    return (
        f"{_HEAD}data_offering\nname: {party}\nversion: {version}\ndatasets:\n  - alias: people\n"
        f"    data_object_fqn: {party.upper()}_DB.PUBLIC.PEOPLE\n    allowed_analyses: template_only\n"
        "    schema_and_template_policies:\n"
        "      hashed_email: {category: join_standard, column_type: hashed_email_sha256, activation_allowed: true}\n"
        "      city: {category: passthrough}\n"
    )


def code_spec(version: str) -> str:
    return (
        f"{_HEAD}code_spec\nname: counting\nversion: {version}\nml_jobs:\n  - name: count\n    entrypoint: main.py\n"
        f"    stage_code_dir: '@ML_DB.PUBLIC.ML_STAGE/{version}'\n    allow_monitoring: true\n"
    )


def template(name: str, version: str) -> str:
    """`unwanted`, `measure`, which runs code, and `send`, which activates."""
    kind = "sql_activation" if name == "send" else "sql_analysis"
    pool = "parameters:\n  - {name: compute_pool, type: string, required: true}\n"
    code = f"code_specs: [counting_{version}]\n{pool}" if name == "measure" else ""
    one = "  SELECT COUNT(*) AS N FROM IDENTIFIER({{ source_table[0] }})\n"
    body = {"measure": _CALL, "send": _SEND}.get(name, one)
    return f"{_HEAD}template\nname: {name}\nversion: {version}\ntype: {kind}\n{code}template: |\n{body}"


def collaboration(name: str) -> str:
    """Without the agency."""
    runners = {
        "brand": {
            "data_providers": {each: {"data_offerings": []} for each in ROWS},
            "activation_destinations": {"snowflake_collaborators": ["shop"]},
        }
    }
    spec = {
        "api_version": "2.0.0",
        "spec_type": "collaboration",
        "name": name,
        "owner": "owner",
        "collaborator_identifier_aliases": {each: f"LOCAL.{each.upper()}" for each in PARTIES[:-1]},
        "analysis_runners": runners,
    }
    return yaml.safe_dump(spec, sort_keys=False)


def with_agency(spec: str, offering_id: str) -> str:
    """A collaboration's spec as it is now, and the agency in it as a runner on what the shop has linked."""
    document = yaml.safe_load(spec)
    aliases = document["collaborator_identifier_aliases"]
    aliases[next((each for each in aliases if each.lower() == "agency"), "agency")] = "LOCAL.AGENCY"
    document["analysis_runners"]["agency"] = {"data_providers": {"shop": {"data_offerings": [{"id": offering_id}]}}}
    return yaml.safe_dump(document, sort_keys=False)


def project(party: str, name: str, version: str) -> str:
    """A party's cleanroom.yaml."""
    document: dict[str, object] = {"version": 1, "collaboration": name}
    if party != "owner":
        document["owner"] = "LOCAL.OWNER"
    if party == "owner":
        document |= {
            "stage": f"ML_DB.PUBLIC.ML_STAGE/{version}",
            "code": "code/",
            "code_specs": ["code_spec.yaml"],
            "templates": ["unwanted.yaml", "measure.yaml", "send.yaml"],
            "share_with": ["brand"],
        }
    elif party in ROWS:
        document |= {"offerings": ["offering.yaml"], "share_with": ["brand"], "reviewed": "reviewed_code/"}
    elif party == "brand":
        tables = [f"{each}.{each}_{version}.people" for each in ROWS]
        document |= {
            "reviewed": "reviewed_code/",
            "pool": {"name": f"{name.upper()}_POOL", "family": "CPU_X64_XS", "nodes": 1},
            "runs": {"measure": {"template": "measure", "tables": tables}},
            "activate": {"template": "send", "to": "shop", "segment": SEGMENT, "tables": tables[:1]},
        }
    return yaml.safe_dump(document, sort_keys=False)


def write(root: Path, name: str, version: str) -> None:
    """Everybody's directory; written again where the collaboration gets another name."""
    for party in PARTIES:
        place = root / party
        place.mkdir(parents=True, exist_ok=True)
        files = {"cleanroom.yaml": project(party, name, version)}
        if party == "owner":
            files |= {f"{each}.yaml": template(each, version) for each in ("unwanted", "measure", "send")}
            files |= {"code_spec.yaml": code_spec(version), "collaboration.yaml": collaboration(name)}
            files["code/main.py"] = JOB
        elif party != "agency":
            files["reviewed_code/main.py"] = JOB
        if party in ROWS:
            files["offering.yaml"] = offering(party, version)
        for file, text in files.items():
            (place / file).parent.mkdir(exist_ok=True)
            (place / file).write_text(text, encoding="utf-8")
