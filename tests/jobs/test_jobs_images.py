"""Images: what a tag means, what is pinned, how one is built from a manifest, and a job that runs in one."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from jobs_harness import Pools
from jobs_wheels import Index, needs

from cleanroom_ml.engine.contracts.job import JobState
from cleanroom_ml.engine.jobs.environments import Environments
from cleanroom_ml.engine.jobs.images.build import build_image
from cleanroom_ml.engine.jobs.images.catalog import Images
from cleanroom_ml.engine.jobs.images.image import INSIDE, Image, digest_of
from cleanroom_ml.engine.jobs.images.installation import this_installation
from cleanroom_ml.engine.jobs.images.manifest import ImageManifest, published, published_tags, read_manifest
from cleanroom_ml.engine.jobs.layers.errors import ImageChangedError, ImageNotBuiltError
from cleanroom_ml.engine.storage.objects import ObjectStore
from cleanroom_ml.errors import CleanroomError, UsageError

HERE = ".".join(map(str, sys.version_info[:2]))


@pytest.fixture
def index(tmp_path: Path) -> Index:
    index = Index(tmp_path / "index")
    for version in ("1.0", "2.0"):
        index.add("uplift", version, requires=["helper"])
    index.add("helper")
    return index


def tiny(tag: str = "1.1", version: str = "1.0") -> ImageManifest:
    return ImageManifest(tag, HERE, ("uplift",), {"uplift": version, "helper": "1.0"})


def written(directory: Path, **changes: Any) -> Path:
    value = {"tag": "mine", "python": HERE, "packages": ["uplift"], "versions": {"uplift": "1.0"}, **changes}
    path = directory / "manifest.json"
    path.write_text(json.dumps(value))
    return path


def test_the_published_manifests_are_whole() -> None:
    assert published_tags() == ["2.9", "2.10"]
    new, old = published("2.10"), published("2.9")
    assert (new.python, new.versions["torch"], new.versions["ray"]) == ("3.11", "2.13.0", "2.55.1")
    assert (new.versions["snowflake-ml-python"], old.versions["snowflake-ml-python"]) == ("1.54.0", "1.51.0")
    assert (new.versions["xgboost-cpu"], old.versions["torch"]) == ("3.2.0", "2.6.0")
    assert all("+" not in version for manifest in (new, old) for version in manifest.versions.values())
    with pytest.raises(UsageError, match=r"no manifest for image '1\.0'"):
        published("1.0")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"tag": "local"}, "cannot be the tag"),
        ({"tag": "../up"}, "cannot be the tag"),
        ({"python": "3"}, "cannot be the tag"),
        ({"packages": ["evil @ https://evil.example/evil.whl"]}, "more than a name"),
        ({"packages": ["uplift>=1"]}, "more than a name"),
        ({"packages": ["--index-url x"]}, "not the name of a package"),
        ({"packages": ["unpinned"]}, "has no version"),
        ({"packages": 1}, "not the manifest"),
    ],
)
def test_a_manifest_that_is_none(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    assert read_manifest(written(tmp_path)).tag == "mine"
    with pytest.raises(UsageError, match=says):
        read_manifest(written(tmp_path, **changes))


def test_local_is_this_installation() -> None:
    image = this_installation().image
    assert image.packages["pandas"] == metadata.version("pandas")
    assert image.packages.keys() | {"python"} == image.hashes.keys()
    assert "cleanroom-ml" not in image.packages
    versions = (("python", image.python), *sorted(image.packages.items()))
    lines = [f"{name}=={version} sha256:{image.hashes[name]}\n" for name, version in versions]
    assert image.digest == "sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest()


@pytest.mark.slow
def test_what_a_tag_means(tmp_path: Path, index: Index) -> None:
    images = Images(tmp_path / "images")
    assert images.resolve(None).tag == "local", "nothing is built: this installation is the newest"
    assert images.resolve(None).root is not None, "and it is frozen"
    with pytest.raises(ImageNotBuiltError, match="not built on this machine") as caught:
        images.resolve("2.10")
    assert caught.value.fix == "the operator runs: cleanroom-ml image build 2.10"
    with pytest.raises(ImageNotBuiltError, match="there is no image '7'"):
        images.resolve("7")
    for tag in ("1.9", "1.10", "mine"):
        build_image(tmp_path, tiny(tag), environ=index.environ)
    assert [image.tag for image in images.built()] == ["mine", "1.9", "1.10"]
    assert images.resolve(None).tag == "1.10"
    assert images.resolve("1.9.0").tag == "1.9", "as the clean room's pages write a release"
    assert images.resolve("mine").packages == {"helper": "1.0", "uplift": "1.0"}
    assert images.resolve("local").digest == this_installation().image.digest


def test_a_pinned_image_is_that_one_and_no_other(tmp_path: Path, index: Index) -> None:
    first, _ = build_image(tmp_path, tiny(), environ=index.environ)
    second, _ = build_image(tmp_path, tiny(version="2.0"), environ=index.environ)
    images = Images(tmp_path / "images")
    assert images.resolve("1.1").digest == second.digest
    assert images.pinned("1.1", first.digest).packages["uplift"] == "1.0"
    shutil.rmtree(first.root or "")
    with pytest.raises(ImageChangedError, match="is not on this machine any more"):
        images.pinned("1.1", first.digest)
    shutil.rmtree(second.root or "")
    with pytest.raises(ImageNotBuiltError):
        images.pinned("1.1", first.digest)


def test_what_changed_in_this_installation_is_told_by_name(tmp_path: Path) -> None:
    """A home of before: `local` was known by its versions alone, and nothing was kept of it but a note."""
    images = Images(tmp_path / "images")
    now = this_installation().image
    packages = {**now.packages, "pandas": "0.1", "gone": "1"}
    before = replace(now, packages=packages, hashes={}, digest=digest_of(now.python, packages))
    note = tmp_path / "images" / ".known" / f"{before.digest.removeprefix('sha256:')}.json"
    note.parent.mkdir(parents=True)
    note.write_text(json.dumps({**before.to_json(), "manifest": "", "digest_before": ""}))
    with pytest.raises(ImageChangedError, match=rf"gone 1 → absent, pandas 0\.1 → {now.packages['pandas']}") as caught:
        images.pinned("local", before.digest)
    assert "cleanroom-ml spec register --bump" in str(caught.value.fix)
    assert images.pinned("local", now.digest_before).digest == now.digest, "the same versions are the same image"
    with pytest.raises(ImageChangedError, match="is not on this machine any more"):
        images.pinned("local", "sha256:" + "0" * 64)


def test_building_is_whole_or_not_at_all_and_safe_to_repeat(tmp_path: Path, index: Index) -> None:
    image, built = build_image(tmp_path, tiny(), environ=index.environ)
    assert built
    assert image.root is not None
    assert image.root.name == f"1.1-{image.digest[7:19]}"
    assert image.digest == digest_of(image.python, image.packages, image.hashes)
    assert all(len(sha256) == 64 for sha256 in image.hashes.values())
    again, built = build_image(tmp_path, tiny(), environ={})
    assert (again.digest, built) == (image.digest, False)
    with pytest.raises(CleanroomError, match=r"its manifest pins uplift==9\.9"):
        build_image(tmp_path, tiny("1.2", "9.9"), environ=index.environ)
    assert [path.name for path in (tmp_path / "images").iterdir()] == [image.root.name]
    with pytest.raises(UsageError, match=r"needs Python 3\.99"):
        build_image(tmp_path, replace(tiny("1.3"), python="3.99"), environ=index.environ)


def test_a_stand_in_satisfies_who_asks_for_the_other(tmp_path: Path, index: Index) -> None:
    """snowflake-ml-python asks for xgboost, which would bring CUDA along; xgboost-cpu is the same module."""
    index.add("xgboost-cpu", "3.2.0")
    index.add("xgboost", "3.2.0")
    index.add("boosted", requires=["xgboost<4"])
    versions = {"boosted": "1.0", "xgboost-cpu": "3.2.0"}
    manifest = ImageManifest("1.1", HERE, ("boosted", "xgboost-cpu"), versions)
    image, _ = build_image(tmp_path, manifest, environ=index.environ)
    assert image.packages == {**versions, "xgboost": "3.2.0+xgboost.cpu"}
    environments = Environments(tmp_path, ObjectStore(tmp_path / "objects"), environ=index.environ)
    lock = environments.lock(needs(ObjectStore(tmp_path / "objects"), "xgboost>=3", image_tag="1.1"))
    assert lock["packages"] == []


@pytest.mark.parametrize("home", ["h", "h" * 120], ids=["short", "long"])
def test_scripts_name_the_interpreter_where_a_job_finds_it(tmp_path: Path, index: Index, home: str) -> None:
    """Of a path that the kernel would cut, pip makes a script of the shell in front of Python's."""
    points = "[console_scripts]\nuplift = uplift:main\n"
    index.add("uplift", "3.0", files={"uplift.py": "", "uplift-3.0.dist-info/entry_points.txt": points})
    image, _ = build_image(tmp_path / home, tiny(version="3.0"), environ=index.environ)
    script = ((image.root or tmp_path) / "venv" / "bin" / "uplift").read_text()
    assert f"{INSIDE}/bin/python" in "".join(script.splitlines()[:2])
    assert str(tmp_path) not in script


def test_a_layer_is_resolved_for_its_image(tmp_path: Path, index: Index) -> None:
    """What that image has, not what is installed here: pandas is missing in it, uplift is not."""
    build_image(tmp_path, tiny(), environ=index.environ)
    index.add("pandas", "0.1")
    environments = Environments(tmp_path, ObjectStore(tmp_path / "objects"), environ=index.environ)
    objects = ObjectStore(tmp_path / "objects")
    lock = environments.lock(needs(objects, "uplift", "pandas", image_tag="1.1"))
    assert (lock["image"]["tag"], lock["provided"]) == ("1.1", {"uplift": "1.0"})
    assert [each["name"] for each in lock["packages"]] == ["pandas"]
    assert environments.lock(needs(objects, "uplift"))["image"]["tag"] == "1.1", "the newest, where none is named"


@pytest.mark.slow
@pytest.mark.sandbox
def test_a_job_runs_in_an_image(pools: Pools, tmp_path: Path) -> None:
    """A real one with the session's libraries, from the machine's own package index."""
    names = ("snowflake-snowpark-python", "snowflake-connector-python", "pyarrow", "pandas", "numpy")
    versions = {name: metadata.version(name) for name in names}
    packages = ("snowflake-snowpark-python", "snowflake-connector-python[pandas]", "pandas")
    image, _ = build_image(pools.home, ImageManifest("1.1", HERE, packages, versions))
    index = Index(tmp_path / "index")
    index.add("uplift", "1.5")
    environments = Environments(pools.home, pools.objects, environ=index.environ)
    lock = environments.lock(needs(pools.objects, "uplift", image_tag="1.1"))
    script = (
        "import importlib.util, subprocess, sys, uplift\n"
        "from snowflake.snowpark.context import get_active_session\n"
        "child = [sys.executable, '-c', 'import sys; print(sys.prefix)']\n"
        "__return__ = [sys.prefix, uplift.VERSION, get_active_session() is not None,\n"
        "              importlib.util.find_spec('xgboost') is None,\n"
        "              subprocess.run(child, capture_output=True, text=True).stdout.strip()]\n"
    )
    job_id = pools.submit(script, dependency_lock=lock, image="1.1")
    status = pools.wait(job_id)
    assert status.status is JobState.DONE, pools.service.logs(job_id)
    assert json.loads(pools.service.result(job_id) or "") == [INSIDE, "1.5", True, True, INSIDE]
    assert (status.image, status.image_digest) == ("1.1", image.digest)
    assert status.packages["pandas"] == versions["pandas"]


def test_an_image_as_json_is_the_same_image(tmp_path: Path) -> None:
    image = this_installation().image
    assert Image.from_json(json.loads(json.dumps(image.to_json())), None) == image
