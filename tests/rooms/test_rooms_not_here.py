"""What a spec asks for and the engine does not do is refused by name when it is registered.

Source of the keys: the pages spec-code-spec (functions, procedures, artifacts) and spec-data-offering (policies).
"""

from __future__ import annotations

import pytest
from rooms_world import CODE_SPEC, OFFERING, World
from test_rooms_runs import refused

pytestmark = pytest.mark.sandbox

FUNCTION = """functions:
  - {name: score, type: UDF, language: PYTHON, handler: score, returns: FLOAT, code_body: "def score(): return 1.0"}
"""
TABLE_FUNCTION = FUNCTION.replace("score", "rows").replace("UDF", "UDTF").replace("FLOAT", "TABLE (A INT)")
PROCEDURE = """procedures:
  - {name: load, language: PYTHON, handler: load, code_body: "def load(session): return 1"}
"""
ARTIFACT = """artifacts:
  - {alias: helpers, stage_path: '@DATA.PUBLIC.CODE/helpers.py'}
"""
POLICIES = """    allowed_analyses: template_and_freeform_sql
    freeform_sql_policies:
      aggregation_policy: {name: DATA.PUBLIC.AGG}
      join_policy: {name: DATA.PUBLIC.JOINS, columns: [city]}
"""


def test_functions_procedures_and_artifacts_are_refused_by_their_names(world: World) -> None:
    """An artifact that nobody imports was taken, and then pinned by nothing."""
    world.stage("PUBLISHER", {"model/train.py": "print(1)\n"})
    for more, named in (
        (FUNCTION, "UDF 'score'"),
        (TABLE_FUNCTION, "UDTF 'rows'"),
        (PROCEDURE, "procedure 'load'"),
        (ARTIFACT, "artifact 'helpers'"),
        (FUNCTION + PROCEDURE + ARTIFACT, "UDF 'score', procedure 'load', artifact 'helpers'"),
    ):
        message = refused(world.publisher, "REGISTER_CODE_SPEC", CODE_SPEC + more)
        assert message.startswith("SpecValidationError")
        assert named in message
    assert world.publisher.call("VIEW_REGISTERED_CODE_SPECS") == []


def test_policies_of_free_form_sql_are_refused_by_their_names(world: World) -> None:
    """They were taken, and nothing would have kept to them; an offering without them gives nobody free-form SQL."""
    world.table("PUBLISHER", "CUSTOMERS", {"EMAIL_HASH": ["a" * 64], "CITY": ["Oslo"]})
    free = OFFERING.replace("    allowed_analyses: template_only\n", POLICIES)
    message = refused(world.publisher, "REGISTER_DATA_OFFERING", free)
    assert "dataset 'customers' has aggregation_policy, join_policy" in message
    alone = free[: free.index("    freeform_sql_policies")] + free[free.index("    schema_and_template") :]
    assert world.publisher.call("REGISTER_DATA_OFFERING", alone)
