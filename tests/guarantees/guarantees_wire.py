"""Requests as a dishonest client would send them: raw HTTP with the tokens and URLs that an honest one was given."""

from __future__ import annotations

import base64
import http.client
import json
import uuid
from typing import Any
from urllib.parse import urlsplit

from cleanroom_ml.connection.session import Connection
from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.local import operator


class Wire:
    """A client of one engine. `token` is a session's."""

    def __init__(self, home: Home, connection: Connection | None = None) -> None:
        self.host, self.port = operator.address(home)
        self.token = "" if connection is None else str(connection._connection.rest.token)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        given = {"Content-Type": "application/json", **(headers or {})}
        if self.token and "Authorization" not in given:
            given["Authorization"] = f'Snowflake Token="{self.token}"'
        try:
            connection.request(method, path, body, given)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def json(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        raw = self.ask(method, path, None if body is None else json.dumps(body).encode())[1]
        answer: dict[str, Any] = json.loads(raw)
        return answer

    def sql(self, text: str) -> dict[str, Any]:
        """The whole answer to a statement."""
        return self.json("POST", f"/queries/v1/query-request?requestId={uuid.uuid4()}", {"sqlText": text})


def path_of(url: str) -> str:
    """What is asked for of a presigned URL's host."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def with_claims(path: str, **changes: object) -> str:
    """The path of a presigned URL whose capability says something else, under the old signature."""
    head, purpose, kind, capability, *name = path.split("/")
    body, _, mac = capability.partition(".")
    expires, claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    expires = changes.pop("expires", expires)
    forged = json.dumps([expires, {**claims, **changes}], separators=(",", ":"), sort_keys=True).encode()
    return "/".join((head, purpose, kind, f"{base64.urlsafe_b64encode(forged).decode().rstrip('=')}.{mac}", *name))


def claims_of(path: str) -> dict[str, Any]:
    """What a presigned URL allows."""
    body = path.split("/")[3].partition(".")[0]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))[1]
    return claims
