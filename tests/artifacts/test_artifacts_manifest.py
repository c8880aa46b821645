"""The manifest: its digest, its limits on what it may hold, and what a hostile one is told."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleanroom_ml.artifacts.build import build_manifest
from cleanroom_ml.artifacts.compare import compare
from cleanroom_ml.artifacts.manifest import FileEntry, InvalidManifestError, Manifest
from cleanroom_ml.artifacts.paths import UnsafePathError, safe_relative_path
from cleanroom_ml.errors import UsageError

HASH = hashlib.sha256(b"").hexdigest()
OTHER = hashlib.sha256(b"x").hexdigest()


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs coreutils")
def test_sha256sum_recomputes_the_digest_in_the_documented_way(tmp_path: Path) -> None:
    names = ["b.py", "B/x y.py", "a-b.py", "a/b.py", "é.py", "a b", "Z", "zoo/1/2/3", "-n", "漢字", "a.py"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode() * 1000)
    command = "find . -type f -printf '%P\\n' | LC_ALL=C sort | xargs -d '\\n' sha256sum -- | sha256sum"
    printed = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    manifest = build_manifest(tmp_path)
    assert manifest.content_digest == printed.split()[0]
    assert manifest.digest == f"sha256:{manifest.content_digest}"
    assert {entry.path for entry in manifest.files} == set(names)
    assert manifest.total_size == sum(len(name.encode()) * 1000 for name in names)


def test_the_digest_is_that_of_the_sorted_lines() -> None:
    manifest = Manifest((FileEntry("b", 0, HASH), FileEntry("A", 1, OTHER)))
    assert manifest.content_digest == hashlib.sha256(f"{OTHER}  A\n{HASH}  b\n".encode()).hexdigest()


@pytest.mark.parametrize("path", ["a", "a/b.py", ".hidden", "a b", "é", "...", "a" * 255, "/".join(["a" * 100] * 10)])
def test_good_paths(path: str) -> None:
    assert safe_relative_path(path) == path


BAD_PATHS = [
    "", "/", "/a", "a/", "a//b", ".", "..", "./a", "../a", "a/..", "a/../b", "a/./b", "a\\b", "..\\a", "a\nb", "a\0b",
    "a\x1b[2Jb", "a\u202eb", "a\u2028b", "a\udcffb", "a" * 256, "é" * 128, "/".join(["a" * 100] * 11),
]  # fmt: skip


@pytest.mark.attack
@pytest.mark.parametrize("path", BAD_PATHS)
def test_bad_paths(path: str) -> None:
    with pytest.raises(UnsafePathError) as caught:
        safe_relative_path(path)
    assert str(caught.value).isprintable()
    with pytest.raises(UnsafePathError):
        Manifest.from_json([{"path": path, "size": 0, "sha256": HASH}])


@pytest.mark.attack
@pytest.mark.parametrize(
    "value",
    [
        None,
        "[]",
        {},
        [1],
        [{}],
        [{"path": "a", "size": 0}],
        [{"path": "a", "size": 0, "sha256": HASH, "mode": 511}],
        [{"path": 1, "size": 0, "sha256": HASH}],
        [{"path": "a", "size": -1, "sha256": HASH}],
        [{"path": "a", "size": True, "sha256": HASH}],
        [{"path": "a", "size": 1.0, "sha256": HASH}],
        [{"path": "a", "size": 2**63, "sha256": HASH}],
        [{"path": "a", "size": 0, "sha256": HASH.upper()}],
        [{"path": "a", "size": 0, "sha256": HASH[:-1]}],
        [{"path": "a", "size": 0, "sha256": HASH + "\n"}],
        [{"path": "a", "size": 0, "sha256": HASH}] * 2,
        [{"path": "a.py", "size": 0, "sha256": HASH}, {"path": "A.py", "size": 0, "sha256": HASH}],
        [{"path": "é", "size": 0, "sha256": HASH}, {"path": "e\u0301", "size": 0, "sha256": HASH}],
        [{"path": "straße", "size": 0, "sha256": HASH}, {"path": "STRASSE", "size": 0, "sha256": HASH}],
        [{"path": "a", "size": 0, "sha256": HASH}, {"path": "a/b", "size": 0, "sha256": HASH}],
        [{"path": "a/b/c", "size": 0, "sha256": HASH}, {"path": "A", "size": 0, "sha256": HASH}],
    ],
)
def test_hostile_manifests(value: Any) -> None:
    with pytest.raises(InvalidManifestError) as caught:
        Manifest.from_json(value)
    assert isinstance(caught.value, UsageError)


entries = st.builds(
    FileEntry,
    path=st.lists(st.sampled_from(["a", "b", "c.py", "é", "x y"]), min_size=1, max_size=3).map(
        lambda parts: "/".join(parts) + ".f"
    ),
    size=st.integers(0, 2**40),
    sha256=st.sampled_from([HASH, OTHER]),
)
manifests = st.lists(entries, max_size=8, unique_by=lambda entry: entry.path).map(lambda files: Manifest(tuple(files)))


@given(manifests, st.randoms())
def test_json_round_trip_in_any_order(manifest: Manifest, random: Any) -> None:
    shuffled = manifest.to_json()
    random.shuffle(shuffled)
    assert Manifest.from_json(shuffled) == manifest
    assert Manifest.from_json(shuffled).content_digest == manifest.content_digest


@given(manifests, manifests)
def test_compare_says_exactly_what_changed(old: Manifest, new: Manifest) -> None:
    difference = compare(old, new)
    assert difference.same == (old == new)
    assert compare(new, old).added == difference.removed
    assert compare(new, old).removed == difference.added
    assert compare(new, old).changed == difference.changed
    assert len(difference.describe()) == len(difference.added) + len(difference.removed) + len(difference.changed)


def test_describe() -> None:
    old = Manifest((FileEntry("a", 0, HASH), FileEntry("b", 0, HASH), FileEntry("c", 0, HASH)))
    new = Manifest((FileEntry("a", 1, OTHER), FileEntry("c", 0, HASH), FileEntry("d", 0, HASH)))
    assert compare(old, new).describe() == ["added: d", "removed: b", "changed: a"]
