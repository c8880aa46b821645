"""One hostile account at full load, as a process of its own: `python guarantees_hostile.py HOME ACCOUNT SECONDS`.

Everything at once, until the time is over: statements and blocks that never end in many sessions, renderings that never
end, bodies that stop half-way, connections that say nothing. Whatever is refused is tried again at once. At the end one
line of JSON says how often each was tried, so that a test can tell an attack from a silent client.

It makes itself nice: an attacker computes on a machine of its own, and what it has its own work cost is no attack.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from guarantees_wire import Wire
from guarantees_world import login

from cleanroom_ml.engine.home.paths import Home, open_home
from cleanroom_ml.errors import CleanroomError
from cleanroom_ml.local import operator

SESSIONS = 16  # of one account: three accounts have 48
SOCKETS = 60
BODIES = 8
DECLARED_BYTES = 60 << 20

ENDLESS = "SELECT COUNT(*) FROM TABLE(GENERATOR(ROWCOUNT => 10000000)) a, TABLE(GENERATOR(ROWCOUNT => 10000000)) b"
STATEMENTS = (
    ENDLESS,
    "BEGIN WHILE (TRUE) DO LET x := 1; END WHILE; END",
    f"BEGIN LOOP LET r RESULTSET := ({ENDLESS}); END LOOP; END",
    "SELECT " + "1+" * 20_000 + "1",
    "SELECT " + "1," * 20_000 + "1",
    "SHOW TABLES LIKE '" + "%A" * 200 + "'",
)
BOMB = "{% for a in range(99999) %}{% for b in range(99999) %}{{ a * b }}{% endfor %}{% endfor %}SELECT 1 AS n"
_COLLABORATION = """api_version: 2.0.0
spec_type: collaboration
name: {name}_bombs
owner: me
collaborator_identifier_aliases:
  me: LOCAL.{account}
analysis_runners:
  me:
    data_providers:
      me: {{data_offerings: []}}
"""
_TEMPLATE = """api_version: 2.0.0
spec_type: template
name: bomb
version: V1
type: sql_analysis
template: |
  {bomb}
"""
_CALL = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB."


class Hostile:
    """All that one account does. Every thread goes on until `until`, whatever the engine answers."""

    def __init__(self, home: Home, account: str, until: float) -> None:
        self.home = home
        self.account = account
        self.until = until
        self.tried: Counter[str] = Counter()

    def run(self) -> None:
        """Blocks until the time is over."""
        self._make_bomb()
        work: list[Callable[[], None]] = [self._endless(STATEMENTS[n % len(STATEMENTS)]) for n in range(SESSIONS - 3)]
        work += [self._endless(f"{_CALL}COLLABORATION.RUN('{self.account}_bombs', 'bomb_V1', [], [], {{}})")] * 3
        work += [self._half_body] * BODIES + [self._silent_socket] * SOCKETS
        threads = [threading.Thread(target=self._again, args=(each,), daemon=True) for each in work]
        for thread in threads:
            thread.start()
        time.sleep(max(0.0, self.until - time.monotonic()))

    def _again(self, each: Callable[[], None]) -> None:
        while time.monotonic() < self.until:
            try:
                each()
            except (OSError, ValueError, CleanroomError) as error:  # refused, dropped, cut off: as it should be
                self.tried[type(error).__name__] += 1
                time.sleep(0.05)

    def _make_bomb(self) -> None:
        with login(self.home, self.account) as connection:
            for procedure, *given in (
                ("COLLABORATION.INITIALIZE", _COLLABORATION.format(name=self.account, account=self.account.upper())),
                ("COLLABORATION.JOIN", f"{self.account}_bombs"),
                ("REGISTRY.REGISTER_TEMPLATE", _TEMPLATE.format(bomb=BOMB)),
                ("COLLABORATION.ADD_TEMPLATE_REQUEST", f"{self.account}_bombs", "bomb_V1", ["me"]),
            ):
                connection.call(procedure, *given)

    def _endless(self, statement: str) -> Callable[[], None]:
        def one() -> None:
            with login(self.home, self.account) as connection:
                wire = Wire(self.home, connection)
                while time.monotonic() < self.until:
                    self.tried["statements"] += 1
                    answer = wire.sql(statement)
                    if answer.get("code") in ("333333", "333334"):  # it goes on: leave it to itself
                        time.sleep(1.0)

        return one

    def _half_body(self) -> None:
        with login(self.home, self.account) as connection:
            wire = Wire(self.home, connection)
            with socket.create_connection((wire.host, wire.port), timeout=30) as half:
                self.tried["half bodies"] += 1
                half.sendall(
                    f"POST /queries/v1/query-request?requestId=6f9619ff-8b86-d011-b42d-00c04fc964ff HTTP/1.1\r\n"
                    f'Host: {wire.host}:{wire.port}\r\nAuthorization: Snowflake Token="{wire.token}"\r\n'
                    f"Content-Type: application/json\r\nContent-Length: {DECLARED_BYTES}\r\n\r\n".encode()
                )
                for _ in range(DECLARED_BYTES // 2 >> 20):
                    half.sendall(b" " * (1 << 20))
                while half.recv(1 << 16):
                    pass

    def _silent_socket(self) -> None:
        host, port = operator.address(self.home)
        with socket.create_connection((host, port), timeout=30) as silent:
            self.tried["silent sockets"] += 1
            silent.settimeout(max(1.0, self.until - time.monotonic()))
            while silent.recv(1 << 12):
                pass
        time.sleep(0.2)


def main() -> None:
    """What the module says."""
    os.nice(15)
    hostile = Hostile(open_home(Path(sys.argv[1])), sys.argv[2], time.monotonic() + float(sys.argv[3]))
    hostile.run()
    sys.stdout.write(json.dumps(hostile.tried) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
