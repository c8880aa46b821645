"""One key of a connection, and whether it may be displayed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# A key is secret if its name says so; the names of files that hold a secret are not.
_SECRET = re.compile(r"pass|pwd|token|secret|credential|assertion|private_?key|session_key|cookie", re.IGNORECASE)
_FILE_NAME = re.compile(r"(_file|_path|_file_path|_file_name)\Z", re.IGNORECASE)
_USER_INFO = re.compile(r"(?<=//)[^/@\s]*(?=@)")
MASK = "********"


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of a connection and where its value came from. `secret` values are never shown."""

    key: str
    value: object = field(repr=False)
    source: str

    @property
    def secret(self) -> bool:
        return bool(_SECRET.search(self.key)) and not _FILE_NAME.search(self.key)

    @property
    def displayed(self) -> str:
        return MASK if self.secret else _USER_INFO.sub(MASK, str(self.value))
