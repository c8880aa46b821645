"""What a spec asks for and the engine does not do is refused by name when it is registered.

Source of the keys: the pages spec-code-spec (procedures) and spec-data-offering (policies).
"""

from __future__ import annotations

import pytest
from rooms_world import CODE_SPEC, OFFERING, World
from test_rooms_runs import refused

pytestmark = pytest.mark.sandbox

PROCEDURE = """procedures:
  - {name: load, language: PYTHON, handler: load, code_body: "def load(session): return 1"}
"""
POLICIES = """    allowed_analyses: template_and_freeform_sql
    freeform_sql_policies:
      aggregation_policy: {name: DATA.PUBLIC.AGG}
      join_policy: {name: DATA.PUBLIC.JOINS, columns: [city]}
"""


def test_procedures_are_refused_by_their_names(world: World) -> None:
    world.stage("PUBLISHER", {"model/train.py": "print(1)\n"})
    message = refused(world.publisher, "REGISTER_CODE_SPEC", CODE_SPEC + PROCEDURE)
    assert message.startswith("SpecValidationError")
    assert "procedure 'load'" in message
    assert world.publisher.call("VIEW_REGISTERED_CODE_SPECS") == []


def test_policies_of_free_form_sql_are_refused_by_their_names(world: World) -> None:
    """They were taken, and nothing would have kept to them; an offering without them gives nobody free-form SQL."""
    world.table("PUBLISHER", "CUSTOMERS", {"EMAIL_HASH": ["a" * 64], "CITY": ["Oslo"]})
    free = OFFERING.replace("    allowed_analyses: template_only\n", POLICIES)
    message = refused(world.publisher, "REGISTER_DATA_OFFERING", free)
    assert "dataset 'customers' has aggregation_policy, join_policy" in message
    alone = free[: free.index("    freeform_sql_policies")] + free[free.index("    schema_and_template") :]
    assert world.publisher.call("REGISTER_DATA_OFFERING", alone)
