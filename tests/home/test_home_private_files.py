"""Secrets of the home are read only where nobody else can."""

from __future__ import annotations

from pathlib import Path

import pytest

from cleanroom_ml.engine.home.private_files import read_private, secret_bytes, write_private
from cleanroom_ml.errors import UsageError


@pytest.mark.attack
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660, 0o644, 0o601])
def test_a_secret_that_others_may_read_is_not_used(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "operator.secret"
    secret = secret_bytes(path)
    path.chmod(mode)
    for read in (read_private, secret_bytes):
        with pytest.raises(UsageError, match="not private"):
            read(path)
    path.chmod(0o600)
    assert secret_bytes(path) == secret


@pytest.mark.attack
def test_a_link_to_a_secret_is_not_followed(tmp_path: Path) -> None:
    write_private(tmp_path / "real", b"00")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(OSError, match="symbolic links"):
        read_private(tmp_path / "link")
    (tmp_path / "directory").mkdir(mode=0o700)
    with pytest.raises((UsageError, IsADirectoryError)):
        read_private(tmp_path / "directory")
