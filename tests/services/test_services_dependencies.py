"""Packages and images in front of the one who decides, and of the one who registers."""

from __future__ import annotations

from typing import Any

from services_requests import job, request, spec, subject

from cleanroom_ml.cli.review_text import review_text
from cleanroom_ml.services.code_specs import RegisteredCodeSpec
from cleanroom_ml.services.review import Review, review_request

SHA = "ab" * 32
DIGEST = "sha256:" + "cd" * 32


def locked(*packages: dict[str, Any], digest: str = DIGEST, code_spec: str = "code_V1") -> dict[str, Any]:
    image = {"tag": "2.10", "digest": digest, "python": "3.11.7"}
    lock = {"format": 1, "image": image, "provided": {"pandas": "2.3.3"}, "layer": "", "packages": list(packages)}
    return {f"{code_spec}$train": lock}


def package(version: str = "1.5", sha256: str = SHA, **changes: Any) -> dict[str, Any]:
    wheel = f"uplift-{version}-py3-none-any.whl"
    made = {"name": "uplift", "version": version, "wheel": wheel, "sha256": sha256, "size": 9, "source": "index"}
    return {**made, "path": "", **changes}


def reviewed(*packages: dict[str, Any], previous: dict[str, Any] | None = None, **changes: Any) -> Review:
    body = spec(jobs=[job(image="2.10")], dependency_lock=locked(*packages, **changes), previous=previous)
    return review_request("LOOKALIKE", request(body), subject(body))


def test_every_package_is_shown_with_its_hash_and_where_it_is_from() -> None:
    text = review_text(reviewed(package(), package(name="mine", source="code", path="wheels/mine.whl")))
    assert f"uplift 1.5  {SHA[:16]}…  from package index" in text
    assert "mine 1.5" in text
    assert "from wheels/mine.whl" in text
    assert f"image            2.10  {DIGEST}" in text


def test_an_image_that_was_not_named_is_noted() -> None:
    note = "names no image_tag: the newest image was taken when it was registered, 2.10"
    assert note in review_text(reviewed())
    named = "ml_jobs:\n  - {name: train, entrypoint: train.py, stage_code_dir: '@DB.PUBLIC.ST/code', image_tag: '2.10'}"
    head = "api_version: 2.0.0\nspec_type: code_spec\nname: code\nversion: V1\n"
    codes = [{"id": "code_V1", "spec": f"{head}{named}\n", "ml_jobs": [job(image="2.10")]}]
    body = spec(code_specs=codes, dependency_lock=locked())
    assert note not in review_text(review_request("LOOKALIKE", request(body), subject(body)))


def test_what_changed_among_the_packages_is_told() -> None:
    before = spec(jobs=[job(image="2.10")], dependency_lock=locked(package(), package(name="gone")))
    changes = reviewed(package("1.6", "ef" * 32), previous=before, digest="sha256:" + "99" * 32).changes
    assert "job train: package gone removed" in changes
    assert f"job train: package uplift 1.5 → 1.6, {SHA[:12]}… → efefefefefef…" in changes
    assert any(line.startswith("job train: image 2.10 is another: ") for line in changes)
    assert reviewed(package(), package(name="gone"), previous=before).changes == ()


def test_a_new_version_of_the_code_spec_is_no_change_of_its_packages() -> None:
    before = spec(jobs=[job(image="2.10")], dependency_lock=locked(package()))
    assert "dependency lock changed" not in reviewed(package(), previous=before, code_spec="code_V2").changes


def test_the_digest_covers_packages_and_image() -> None:
    digests = {
        reviewed().approval_digest,
        reviewed(package()).approval_digest,
        reviewed(package(sha256="ef" * 32)).approval_digest,
        reviewed(package(), digest="sha256:" + "99" * 32).approval_digest,
    }
    assert len(digests) == 4


def test_who_registers_is_warned_about_an_image_that_is_not_named() -> None:
    known = RegisteredCodeSpec("c_V1", "registered", {}, images={"train": "2.10@sha256:ab"}, without_image=("train",))
    assert known.warnings() == ("ML job train names no image_tag: the newest image is taken, now 2.10@sha256:ab",)
    elsewhere = RegisteredCodeSpec("c_V1", "registered", {}, without_image=("train",))
    assert elsewhere.warnings() == ("ML job train names no image_tag: the newest image is taken",)
    assert RegisteredCodeSpec("c_V1", "registered", {}).warnings() == ()
