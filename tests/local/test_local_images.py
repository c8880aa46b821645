"""`image list` and `image build`, as the operator types them, with a manifest of their own and a local index."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from cleanroom_ml.engine.home import Home
from cleanroom_ml.errors import UsageError
from cleanroom_ml.local import images

sys.path.append(str(Path(__file__).parents[1] / "jobs"))
from jobs_wheels import Index


def test_an_image_is_built_once_and_listed(fresh_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {row.tag: row for row in images.list_images(fresh_home)}
    assert list(before) == ["local", "2.9", "2.10"]
    assert (before["local"].status, before["local"].newest) == ("this installation", True)
    assert (before["2.10"].status, before["2.10"].digest) == ("not built", None)
    index = Index(tmp_path / "index")
    index.add("uplift")
    for name, value in index.environ.items():
        monkeypatch.setenv(name, value)
    python = ".".join(map(str, sys.version_info[:2]))
    manifest = tmp_path / "mine.json"
    manifest.write_text(
        json.dumps({"tag": "1.1", "python": python, "packages": ["uplift"], "versions": {"uplift": "1.0"}})
    )
    done = images.build(None, manifest=manifest, home=fresh_home)
    assert (done.tag, done.built, done.packages) == ("1.1", True, 1)
    assert not images.build(None, manifest=manifest, home=fresh_home).built
    after = {row.tag: row for row in images.list_images(fresh_home)}
    assert (after["1.1"].digest, after["1.1"].status, after["1.1"].newest) == (done.digest, "built", True)
    assert not after["local"].newest


def test_one_image_is_named(fresh_home: Home, tmp_path: Path) -> None:
    for tag, manifest in ((None, None), ("2.10", tmp_path / "x.json")):
        with pytest.raises(UsageError, match="name one image"):
            images.build(tag, manifest=manifest, home=fresh_home)
