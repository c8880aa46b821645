"""Files of a stage saved as files of the job: names that lead elsewhere, and links that lie in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from cleanroom_ml.runtime.raydata.saving import UnsafeNameError, save


def test_a_file_is_whole_below_its_directory(tmp_path: Path) -> None:
    root = tmp_path / "local"
    assert save(b"one", root, "deep/er/a b.bin") == root / "deep/er/a b.bin"
    save(b"two", root, "deep/er/a b.bin")
    assert (root / "deep/er/a b.bin").read_bytes() == b"two"
    assert [path.name for path in root.rglob("*") if path.is_file()] == ["a b.bin"]


@pytest.mark.attack
@pytest.mark.parametrize(
    "name", ["../out", "a/../../out", "/etc/cron.d/x", "", ".", "a//b", "a/", "..\\out", "a\0b", "a\nb", "a/.."]
)
def test_no_name_leads_out_of_the_directory(tmp_path: Path, name: str) -> None:
    root = tmp_path / "local"
    root.mkdir()
    with pytest.raises(UnsafeNameError):
        save(b"x", root, name)
    assert list(tmp_path.iterdir()) == [root]
    assert list(root.iterdir()) == []


@pytest.mark.attack
def test_no_link_leads_out_of_the_directory(tmp_path: Path) -> None:
    root, outside = tmp_path / "local", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "kept").write_text("as it was")
    (root / "directory").symlink_to(outside)
    (root / "file").symlink_to(outside / "kept")
    with pytest.raises(UnsafeNameError, match="through a link"):
        save(b"x", root, "directory/new")
    with pytest.raises(UnsafeNameError, match="through a link"):
        save(b"x", root, "directory/below/new")
    save(b"x", root, "file")
    assert [(path.name, path.read_text()) for path in outside.iterdir()] == [("kept", "as it was")]
    assert not (root / "file").is_symlink()
