"""What a spec asks for and the engine does not do is refused by name when it is registered.

Source of the keys: the page spec-code-spec (procedures).
"""

from __future__ import annotations

import pytest
from rooms_world import CODE_SPEC, World
from test_rooms_runs import refused

pytestmark = pytest.mark.sandbox

PROCEDURE = """procedures:
  - {name: load, language: PYTHON, handler: load, code_body: "def load(session): return 1"}
"""


def test_procedures_are_refused_by_their_names(world: World) -> None:
    world.stage("PUBLISHER", {"model/train.py": "print(1)\n"})
    message = refused(world.publisher, "REGISTER_CODE_SPEC", CODE_SPEC + PROCEDURE)
    assert message.startswith("SpecValidationError")
    assert "procedure 'load'" in message
    assert world.publisher.call("VIEW_REGISTERED_CODE_SPECS") == []
