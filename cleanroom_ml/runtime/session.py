"""The job's Snowpark session: the real connector, over loopback, to the engine's socket for this job."""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING

from .data import whole_results
from .job_file import Job

if TYPE_CHECKING:
    from snowflake.connector import SnowflakeConnection
    from snowflake.snowpark import Session


def connect(job: Job) -> SnowflakeConnection:
    """The connection of the job's session.

    The engine may be restarted at any moment, and everything is then asked
    again, with the same request id: so the connector never gives up by itself; the relay in front of it bounds the
    wait.

    Raises:
        snowflake.connector.errors.Error: the engine cannot be reached or refuses the session.
    """
    connector = _connector()
    _retry_downloads_longer()
    whole_results.install()
    connection: SnowflakeConnection = connector.connect(
        account=job.account,
        user=job.user,
        authenticator="oauth",
        token=job.token,
        protocol="http",
        host=job.host,
        port=job.port,
        database=job.database,
        schema=job.schema,
        warehouse=job.warehouse,
        paramstyle="qmark",
        application="cleanroom_ml_job",
        login_timeout=900,
        network_timeout=None,
        platform_detection_timeout_seconds=0,
        client_session_keep_alive=True,
        session_parameters={"CLIENT_TELEMETRY_ENABLED": False},
    )
    connection.telemetry_enabled = False
    return connection


def make_active(connection: SnowflakeConnection) -> Session:
    """The session over it: `get_active_session()` and `Session.builder.getOrCreate()` return it."""
    from snowflake.snowpark import Session

    session: Session = Session.builder.configs({"connection": connection}).create()
    os.register_at_fork(after_in_child=_forget_sessions)
    return session


def _connector() -> ModuleType:
    """The connector, imported without the AWS library that it loads at once if there is one: 0.12 s of every job's
    start, for cloud identities that a job has no use of. A script that imports boto3 gets it as ever.
    """
    hidden = "botocore" not in sys.modules
    if hidden:
        sys.modules["botocore"] = None  # type: ignore[assignment]
    try:
        import snowflake.connector
    finally:
        if hidden:
            del sys.modules["botocore"]
    module: ModuleType = snowflake.connector
    return module


def _retry_downloads_longer() -> None:
    # Chunks of results are fetched with a bound of their own, by default 10 attempts of 7 seconds; one attempt may wait
    # for a restart of the engine.
    from snowflake.connector import result_batch

    result_batch.DOWNLOAD_TIMEOUT = 120
    result_batch.MAX_DOWNLOAD_RETRY = 20


def _forget_sessions() -> None:
    """The session is the main process's alone: two processes on one connection would read each other's answers."""
    from snowflake.snowpark import session

    session._active_sessions.clear()
