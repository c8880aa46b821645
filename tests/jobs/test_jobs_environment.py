"""A job in its environment: the layer on its import path, the image that runs it, and what its record says of both."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from jobs_harness import Pools
from jobs_wheels import Index, needs, wheel_bytes, wheel_name

from cleanroom_ml.engine.contracts.job import JobRequest, JobState
from cleanroom_ml.engine.contracts.plain import from_json
from cleanroom_ml.engine.jobs.environments import Environments
from cleanroom_ml.engine.jobs.errors import RequirementNotSatisfiedError
from cleanroom_ml.engine.jobs.images.installation import this_installation
from cleanroom_ml.engine.jobs.layers.errors import ImageChangedError, PackageHashError
from cleanroom_ml.engine.jobs.store import SCHEMA

pytestmark = pytest.mark.sandbox

LAYERED = """
import os, sys, uplift
__return__ = {
    "version": uplift.VERSION,
    "file": uplift.__file__,
    "path": [entry for entry in sys.path if entry.startswith("/run/cleanroom")],
    "index": [name for name in os.environ if name.startswith("PIP_")],
}
"""


@pytest.fixture
def index(tmp_path: Path) -> Index:
    index = Index(tmp_path / "index")
    index.add("uplift", "1.5")
    return index


def locked(pools: Pools, index: Index, *lines: str, **more: Any) -> dict[str, Any]:
    environments = Environments(pools.home, pools.objects, environ=index.environ)
    return environments.lock(needs(pools.objects, *lines, **more))


def test_a_job_has_its_layer_and_its_record_says_so(pools: Pools, index: Index) -> None:
    lock = locked(pools, index, "uplift>1", "scikit-learn")
    job_id = pools.submit(LAYERED, dependency_lock=lock, pip_requirements=("uplift>1", "scikit-learn"), image="local")
    status = pools.wait(job_id)
    assert status.status is JobState.DONE, pools.service.logs(job_id)
    assert json.loads(pools.service.result(job_id) or "") == {
        "version": "1.5",
        "file": "/run/cleanroom/layer/uplift.py",
        "path": [
            "/run/cleanroom/lib",
            "/run/cleanroom/lib/cleanroom_runtime/overlay",
            "/run/cleanroom/layer",
            f"/run/cleanroom/image/{this_installation().image.libraries}",
        ],
        "index": [],
    }
    here = this_installation().image
    assert (status.image, status.image_digest, status.layer) == (
        "local",
        here.digest,
        lock["layer"],
    )
    assert status.dependency_lock.startswith("sha256:")
    assert status.packages.items() >= {"uplift": "1.5", "python": here.python}.items()
    assert {"scikit-learn", "pandas", "xgboost-cpu"} <= status.packages.keys()


def test_child_processes_have_it_too(pools: Pools, index: Index) -> None:
    script = (
        "import subprocess, sys\n"
        "__return__ = subprocess.run([sys.executable, '-c', 'import uplift; print(uplift.VERSION)'],"
        " capture_output=True, text=True).stdout.strip()\n"
    )
    job_id = pools.submit(script, dependency_lock=locked(pools, index, "uplift"))
    assert pools.wait(job_id).status is JobState.DONE
    assert pools.service.result(job_id) == '"1.5"'


def test_a_restored_home_makes_the_layer_again(pools: Pools, index: Index) -> None:
    """Offline: the supervisor has the stored wheels, and no index."""
    lock = locked(pools, index, "uplift")
    shutil.rmtree(pools.home / "layers")
    shutil.rmtree(index.directory)
    assert pools.run("import uplift", dependency_lock=lock).status is JobState.DONE


@pytest.mark.attack
def test_a_job_is_refused_where_its_layer_was_changed(pools: Pools, index: Index) -> None:
    lock = locked(pools, index, "uplift")
    module = pools.home / "layers" / lock["layer"] / "tree" / "uplift.py"
    module.chmod(0o644)
    module.write_text("VERSION = 'evil'\n")
    status = pools.run(LAYERED, dependency_lock=lock)
    assert (status.status, status.reason) == (JobState.FAILED, "refused")
    assert "changed: uplift.py" in status.message


@pytest.mark.attack
def test_a_job_cannot_write_into_its_layer(pools: Pools, index: Index) -> None:
    lock = locked(pools, index, "uplift")
    script = (
        "import os\n"
        "tried = []\n"
        "for path in ('/run/cleanroom/layer/uplift.py', '/run/cleanroom/layer/new.py'):\n"
        "    try:\n"
        "        open(path, 'w')\n"
        "    except OSError as error:\n"
        "        tried.append(type(error).__name__)\n"
        "__return__ = len(tried)\n"
    )
    job_id = pools.submit(script, dependency_lock=lock)
    pools.wait(job_id)
    assert pools.service.result(job_id) == "2"


def test_what_is_gone_or_changed_is_told_when_the_job_is_submitted(pools: Pools, index: Index) -> None:
    lock = locked(pools, index, "uplift")
    other = {**lock, "image": {**lock["image"], "digest": "sha256:" + "0" * 64}}
    with pytest.raises(ImageChangedError, match=r"image 'local' as it was approved .* is not on this machine any more"):
        pools.submit("pass", dependency_lock=other)
    pools.objects.remove(lock["packages"][0]["sha256"], untouched_since=1e12)
    with pytest.raises(PackageHashError, match=r"copy of uplift-1\.5"):
        pools.submit("pass", dependency_lock=lock)


def test_without_a_lock_a_job_has_its_image_only(pools: Pools) -> None:
    """Requests of before there were locks, as an older home holds them."""
    request = pools.request("pass", pip_requirements=("pandas>=2",), image="local")
    old = {name: value for name, value in asdict(request).items() if name not in ("dependency_lock", "packages")}
    assert from_json(JobRequest, json.dumps(old)).dependency_lock == {}
    status = pools.run("import pandas", pip_requirements=("pandas>=2",), image="local", dependency_lock={})
    assert (status.status, status.image, status.layer) == (JobState.DONE, "local", "")
    with pytest.raises(RequirementNotSatisfiedError, match="not-there"):
        pools.submit("pass", pip_requirements=("not-there",), dependency_lock={})


def test_wheels_of_a_job_that_has_not_ended_are_no_garbage(pools: Pools, index: Index) -> None:
    lock = locked(pools, index, "uplift")
    job_id = pools.submit("import time; time.sleep(60)", dependency_lock=lock)
    with pools.database.read() as connection:
        assert lock["packages"][0]["sha256"] in set(SCHEMA.references(connection))  # type: ignore[misc]
    assert pools.service.layers() == {lock["layer"]}
    pools.service.cancel(job_id)
    pools.wait(job_id)
    pools.until(pools.service.layers, lambda layers: not layers, seconds=10)


def test_a_wheel_of_the_code_directory_runs(pools: Pools, index: Index) -> None:
    path = f"wheels/{wheel_name('private_lib', '3.0')}"
    code = {path: wheel_bytes("private_lib", "3.0", requires=["uplift"])}
    lock = locked(pools, index, path, code=code)
    job_id = pools.submit("import private_lib, uplift\n__return__ = private_lib.VERSION", dependency_lock=lock)
    assert pools.wait(job_id).status is JobState.DONE, pools.service.logs(job_id)
    assert pools.service.result(job_id) == '"3.0"'
