"""How tables reach a job and its workers: as Arrow chunks, fetched by the process that needs them.

`RemoteTable` is the table; `table_of` makes one of whatever a script holds; `JobIngestor` puts it under
`snowflake.ml.data.DataConnector`; `sharded.ShardedDataConnector` splits it among workers (imported from there: it
brings snowflake.ml along); `memory` knows what fits.
"""

from .ingestor import JobIngestor
from .memory import NotEnoughMemoryError
from .remote_table import RemoteTable
from .tables import table_of

__all__ = ["JobIngestor", "NotEnoughMemoryError", "RemoteTable", "table_of"]
