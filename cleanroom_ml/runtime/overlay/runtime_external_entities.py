"""Where `snowflake.ml.data.data_connector` asks for the runtime's own ingestor."""

from cleanroom_runtime.data.ingestor import JobIngestor

__all__ = ["get_ingester_class"]


def get_ingester_class() -> type[JobIngestor]:
    """The class of which DataConnector makes its ingestors in a job."""
    return JobIngestor
