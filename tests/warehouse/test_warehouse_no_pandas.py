"""A worker's functions in Python come without pandas, which takes longer to load than most statements take."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
from cleanroom_ml.engine.warehouse import functions, worker
worker.handle.open_once()
connection = worker.handle._ready.connection
sql = "SELECT _sf_parse_date(x, 'AUTO', 1970) FROM (VALUES ('2024-02-29'), (NULL)) AS v(x)"
functions.register(connection, sql)
print(connection.sql(sql).fetchall())
print('pandas' in sys.modules)
"""


def test_a_worker_never_loads_pandas() -> None:
    ran = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["[(datetime.date(2024, 2, 29),), (None,)]", "False"]
