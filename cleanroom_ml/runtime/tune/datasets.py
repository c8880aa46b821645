"""The data of a search: read once, by the main process, into files of the job that all trials then map."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path

from ..values import Values


def prepare(dataset_map: Mapping[str, object] | None, directory: Path) -> Values | None:
    """The same connectors, of their own classes, on copies below `directory`: they need no session and no network, and
    N trials do not fetch N times. What is no connector is left as it is, and goes to the workers by pickle.

    Raises:
        TypeError: `dataset_map` is no dictionary.
        NotEnoughDiskError: the copies do not fit.
    """
    if dataset_map is None:
        return None
    if not isinstance(dataset_map, Mapping):
        raise TypeError(f"dataset_map must be a dictionary of DataConnectors, not a {type(dataset_map).__name__}")
    return {name: _local(value, directory) for name, value in dataset_map.items()}


def _local(value: object, directory: Path) -> object:
    if not hasattr(value, "_ingestor") or not hasattr(value, "data_sources"):
        return value
    from ..data import JobIngestor, table_of
    from ..data.spool import spool

    local = copy.copy(value)
    local._ingestor = JobIngestor(spool(table_of(value), directory), value.data_sources)
    return local
