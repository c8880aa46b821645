"""Registering a code spec with packages of its own: locked, approved with everything else, kept, refused in time."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from rooms_world import CODE_SPEC, JOB_TEMPLATE, World, request_id, told
from test_rooms_runs import JOB, refused

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.evidence.approval_digest import approval_digest
from cleanroom_ml.evidence.approval_subject import approval_subject
from cleanroom_ml.specs.code_spec import MlJob

sys.path.append(str(Path(__file__).parents[1] / "jobs"))
from jobs_wheels import Index, record_line, wheel_bytes, wheel_name

pytestmark = pytest.mark.sandbox

WHEEL = wheel_name("uplift", "1.5")
SPEC = CODE_SPEC.replace("[pandas, xgboost]", f"[pandas, wheels/{WHEEL}]")


def stage(world: World, content: bytes, path: str = f"model/wheels/{WHEEL}") -> str:
    """Stage the script and this wheel; the wheel's hash."""
    key = world.stage("PUBLISHER", {"model/train.py": "import uplift\n"})
    sha256 = world.storage.objects.put_bytes(content)
    world.storage.stages.put_file(key, path, sha256, len(content), "0" * 32)
    world.storage.stages.refresh(key)
    return sha256


def lock_of(world: World, spec_id: str = "model_v1") -> dict[str, Any]:
    resource = world.rooms.registries.find("PUBLISHER", "CODE SPEC", spec_id)
    assert resource is not None
    lock: dict[str, Any] = resource.detail["ml_jobs"][0]["dependency_lock"]
    return lock


@pytest.fixture
def asked(joined: World) -> World:
    """The publisher has asked for approval of a template whose code brings a wheel along."""
    stage(joined, wheel_bytes("uplift", "1.5"))
    joined.publisher.call("REGISTER_CODE_SPEC", SPEC)
    joined.publisher.call("REGISTER_TEMPLATE", JOB_TEMPLATE)
    joined.publisher.call("ADD_TEMPLATE_REQUEST", "lookalike", "train_v1", ["adv"])
    return joined


def test_a_wheel_of_the_code_directory_is_locked(world: World) -> None:
    sha256 = stage(world, wheel_bytes("uplift", "1.5"))
    world.publisher.call("REGISTER_CODE_SPEC", SPEC)
    lock = lock_of(world)
    (package,) = lock["packages"]
    assert (package["name"], package["version"], package["sha256"]) == ("uplift", "1.5", sha256)
    assert (package["source"], package["path"]) == ("code", f"wheels/{WHEEL}")
    assert lock["provided"].keys() == {"pandas"}
    assert (world.storage.home / "layers" / lock["layer"] / "tree" / "uplift.py").is_file()
    (row,) = world.publisher.own("DESCRIBE", "model_v1", schema="CODE_SPECS")
    assert sha256 in row["DEPENDENCY_LOCK"], "`spec show` shows it"
    (shown,) = world.publisher.call("VIEW_REGISTERED_CODE_SPECS")
    (job,) = yaml.safe_load(shown["CODE_SPEC"])["ml_jobs"]
    assert job.keys() - MlJob.model_fields.keys() == {"content_manifest"}, "nothing of the engine's own"
    with pytest.raises(SqlError, match="CodeSpecNotFoundForOwnerException"):
        world.advertiser.own("DESCRIBE", "model_v1", schema="CODE_SPECS")


def test_what_is_approved_holds_every_package(asked: World) -> None:
    spec = told(asked.advertiser)
    lock = spec["dependency_lock"]["model_v1$train"]
    assert lock == lock_of(asked)
    digest = approval_digest(approval_subject(spec))
    assert digest == spec["approval_digest"]
    lock["packages"][0]["sha256"] = "0" * 64
    assert approval_digest(approval_subject(spec)) != digest
    assert spec["image"] == "local"


def test_a_job_gets_the_lock_that_was_approved(asked: World) -> None:
    asked.advertiser.call("APPROVE_UPDATE_REQUEST", "lookalike", request_id(asked.advertiser))
    asked.storage.warehouses.grant_usage("ADVERTISER", "COMPUTE POOL", "ML_POOL", "SFDCR_LOOKALIKE")
    asked.storage.warehouses.grant_usage("ADVERTISER", "WAREHOUSE", "COMPUTE_WH", "SFDCR_LOOKALIKE")
    asked.advertiser.call("RUN", "lookalike", *JOB)
    (request,) = asked.jobs.requests.values()
    assert (request.job.image, request.dependency_lock) == ("local", lock_of(asked))


@pytest.mark.attack
def test_a_wheel_that_was_changed_on_disk_is_not_approved(asked: World) -> None:
    """It is hashed again, like the code; taken out of the code's manifest, the lock alone would still name it."""
    path = asked.storage.objects.path(lock_of(asked)["packages"][0]["sha256"])
    path.chmod(0o644)
    path.write_bytes(wheel_bytes("uplift", "1.5", files={"uplift.py": "evil\n"}))
    told = refused(asked.advertiser, "APPROVE_UPDATE_REQUEST", "lookalike", request_id(asked.advertiser))
    assert told.startswith("ContentHashMismatchError")
    assert WHEEL in told
    with pytest.raises(Exception, match="packages is not what was locked"):
        asked.rooms.code_specs.check_wheels([lock_of(asked)])


@pytest.mark.attack
def test_a_wheel_of_the_index_that_was_changed_on_disk_is_not_approved(
    joined: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the lock names it: the code's own manifest, which is hashed as well, does not."""
    index = Index(tmp_path / "index")
    index.add("uplift", "1.5")
    monkeypatch.setattr(joined.rooms.code_specs._environments._environments, "_environ", index.environ)
    joined.stage("PUBLISHER", {"model/train.py": "import uplift\n"})
    joined.publisher.call("REGISTER_CODE_SPEC", CODE_SPEC.replace("[pandas, xgboost]", "[uplift]"))
    joined.publisher.call("REGISTER_TEMPLATE", JOB_TEMPLATE)
    joined.publisher.call("ADD_TEMPLATE_REQUEST", "lookalike", "train_v1", ["adv"])
    (package,) = lock_of(joined)["packages"]
    assert package["source"] == "index"
    path = joined.storage.objects.path(package["sha256"])
    kept = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(wheel_bytes("uplift", "1.5", files={"uplift.py": "evil\n"}))
    request = request_id(joined.advertiser)
    told = refused(joined.advertiser, "APPROVE_UPDATE_REQUEST", "lookalike", request)
    assert told.startswith("ContentHashMismatchError")
    assert WHEEL in told
    path.write_bytes(kept)
    joined.advertiser.call("APPROVE_UPDATE_REQUEST", "lookalike", request)


def test_registered_wheels_and_layers_are_kept(world: World) -> None:
    stage(world, wheel_bytes("uplift", "1.5"))
    world.publisher.call("REGISTER_CODE_SPEC", SPEC)
    lock = lock_of(world)
    world.storage.stages.drop(world.stage("PUBLISHER", {}))
    world.storage.collect_garbage(0)
    assert world.storage.objects.verify(lock["packages"][0]["sha256"])
    assert lock["layer"] in world.rooms.layers()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"no zip at all", "UnsafeWheelError"),
        (wheel_bytes("uplift", "1.5", files={"sitecustomize.py": "x = 1\n"}), "UnsafeWheelError"),
        (wheel_bytes("uplift", "1.5", files={"snowflake/__init__.py": ""}), "UnsafeWheelError"),
        (
            wheel_bytes("uplift", "1.5", record={"uplift.py": record_line("uplift.py", b"other")}),
            "ContentHashMismatchError",
        ),
        (wheel_bytes("uplift", "1.5", requires=["numpy<1"]), "DependencyConflictError"),
        (wheel_bytes("uplift", "1.5", requires=["nothing-like-it"]), "RequirementNotSatisfiedError"),
        (wheel_bytes("uplift", "1.5", requires=["other @ http://127.0.0.1:9/other.tar.gz"]), "DirectReferenceError"),
        (wheel_bytes("uplift", "1.5", files={"uplift.py": "import not_there\n"}), "PackageImportError"),
    ],
)
@pytest.mark.attack
def test_what_cannot_be_installed_is_not_registered(world: World, content: bytes, name: str) -> None:
    stage(world, content)
    assert refused(world.publisher, "REGISTER_CODE_SPEC", SPEC).startswith(f"{name}: ML job 'train': ")
    assert world.publisher.call("VIEW_REGISTERED_CODE_SPECS") == []
    layers = world.storage.home / "layers"
    assert not layers.exists() or list(layers.iterdir()) == []


def test_an_image_that_is_not_built_is_told_with_the_command_that_builds_it(world: World) -> None:
    world.stage("PUBLISHER", {"model/train.py": "print(1)\n"})
    spec = CODE_SPEC.replace("    allow_monitoring", "    image_tag: '2.10'\n    allow_monitoring")
    told = refused(world.publisher, "REGISTER_CODE_SPEC", spec)
    assert told.startswith("ImageNotBuiltError: ML job 'train': ")
    assert "cleanroom-ml image build 2.10" in told
    world.publisher.call("REGISTER_CODE_SPEC", spec.replace("'2.10'", "local"))
    assert lock_of(world)["image"]["tag"] == "local"


@pytest.mark.attack
def test_code_that_is_changed_while_packages_are_resolved_is_not_registered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was resolved and what is pinned are the same bytes, or nothing is registered."""
    stage(world, wheel_bytes("uplift", "1.5"))
    environments = world.rooms.code_specs._environments
    resolve = environments.lock

    def slowly(needs: Any) -> dict[str, Any]:
        lock = resolve(needs)
        world.stage("PUBLISHER", {"model/train.py": "import evil\n"})
        return lock

    monkeypatch.setattr(environments, "lock", slowly)
    told = refused(world.publisher, "REGISTER_CODE_SPEC", SPEC)
    assert told.startswith("ContentHashMismatchError")
    assert "changed: train.py" in told
    assert world.publisher.call("VIEW_REGISTERED_CODE_SPECS") == []


def test_others_are_not_held_up_while_packages_are_resolved(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """No transaction is open meanwhile: another account registers, and gets its answer."""
    world.stage("PUBLISHER", {"model/train.py": "print(1)\n"})
    environments = world.rooms.code_specs._environments
    resolve = environments.lock
    done: list[object] = []

    def meanwhile(needs: Any) -> dict[str, Any]:
        world.advertiser.call("CREATE_REGISTRY", "mine", "TEMPLATE")
        done.append(True)
        return resolve(needs)

    monkeypatch.setattr(environments, "lock", meanwhile)
    world.publisher.call("REGISTER_CODE_SPEC", CODE_SPEC)
    assert done == [True]


def test_a_lock_of_before_there_were_layers_is_still_read(world: World) -> None:
    """Homes of the first version hold `{name: version}`."""
    world.stage("PUBLISHER", {"model/train.py": "print(1)\n"})
    world.publisher.call("REGISTER_CODE_SPEC", CODE_SPEC)
    with world.storage.database.transaction() as connection:
        (text,) = connection.execute("SELECT detail FROM room_resources WHERE kind = 'CODE SPEC'").fetchone()
        detail = json.loads(text)
        detail["ml_jobs"][0]["dependency_lock"] = {"pandas": "2.3.3"}
        connection.execute("UPDATE room_resources SET detail = ?", (json.dumps(detail),))
    resource = world.rooms.registries.find("PUBLISHER", "CODE SPEC", "model_v1")
    assert resource is not None
    world.rooms.code_specs.check_pinned(resource.detail["ml_jobs"])
    assert world.rooms.layers() == {""}
