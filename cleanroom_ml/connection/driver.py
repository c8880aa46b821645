"""The connector, imported without the optional libraries that it loads at once and commands never use.

Measured on two cores: 1.16 s with pandas, pyarrow and boto3, 0.6 s without. The connector has a documented state for
each of them being absent; results still arrive as Arrow, through its own compiled reader.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from cleanroom_ml.connection.directories import home

_UNUSED = ("pandas", "botocore")


def rows_only_connector() -> ModuleType:
    """`snowflake.connector`, without pandas results and AWS identities in this process.

    Where it was imported before, or is told to use a cloud's identity, it stays whole: see `connect`.

    Raises:
        UsageError: the connector looks for its files in a home directory, and there is none.
    """
    home()
    with _absent(_UNUSED):
        import snowflake.connector
    module: ModuleType = snowflake.connector
    return module


@contextmanager
def _absent(names: tuple[str, ...]) -> Iterator[None]:
    """Make `import name` fail, as for a library that is not installed; modules loaded before are left alone."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
