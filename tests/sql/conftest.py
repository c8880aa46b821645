from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from sql_world import World


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)
