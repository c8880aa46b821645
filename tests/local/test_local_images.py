"""`image list`, `build`, `remove` and `repair`, as the operator types them, with a manifest of their own."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.engine.jobs.images import seal
from cleanroom_ml.engine.jobs.images.catalog import Images, directory_name
from cleanroom_ml.engine.jobs.images.image import digest_of
from cleanroom_ml.engine.jobs.layers.errors import ImageChangedError
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
    for tag, manifest, said in (
        (None, None, "no image is named"),
        ("2.10", tmp_path / "x.json", "both a tag and a manifest are named"),
    ):
        with pytest.raises(UsageError, match=said):
            images.build(tag, manifest=manifest, home=fresh_home)


@pytest.mark.parametrize("of_before", [False, True], ids=["now", "before lists were kept"])
def test_a_damaged_image_is_made_anew_and_stays_what_was_approved(
    fresh_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of_before: bool
) -> None:
    index = Index(tmp_path / "index")
    index.add("uplift")
    for name, value in index.environ.items():
        monkeypatch.setenv(name, value)
    manifest = {"tag": "1.1", "python": ".".join(map(str, sys.version_info[:2])), "packages": ["uplift"]}
    (tmp_path / "mine.json").write_text(json.dumps({**manifest, "versions": {"uplift": "1.0"}}))
    images.build(None, manifest=tmp_path / "mine.json", home=fresh_home)
    found = Images(fresh_home.path / "images")
    image = found.built()[0]
    assert image.root is not None
    if of_before:
        hashes = {name: sha256 for name, sha256 in image.hashes.items() if name != "python"}
        image = replace(image, hashes=hashes, digest=digest_of(image.python, image.packages, hashes), manifest="")
        (image.root / "image.json").write_text(json.dumps(image.to_json()))
        moved = image.root.with_name(directory_name(image))
        image = replace(image, root=image.root.rename(moved))
        for name in (seal.FILES, seal.SEAL, seal.STATES):
            (moved / name).unlink()
    else:
        module = image.prefix / image.libraries / "uplift.py"
        module.write_text("VERSION = 'evil'\n")
    with pytest.raises(ImageChangedError) as caught:
        seal.check(found.pinned("1.1", image.digest))
    command, _, named = str(caught.value.fix).rpartition(" ")
    assert command == "the operator runs: cleanroom-ml image repair"
    assert images.repair(named, home=fresh_home).digest == image.digest
    seal.check(found.pinned("1.1", image.digest))
    removed = images.remove("1.1", home=fresh_home)
    assert (removed.digest, removed.needed_by) == (image.digest, ())
    assert found.built() == []
    with pytest.raises(UsageError, match=r"no image here is '1\.1'"):
        images.remove("1.1", home=fresh_home)
