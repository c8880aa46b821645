"""An image that is another now: what the provider is told, what --bump does, and what removing the old one costs."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "jobs"))
from jobs_wheels import Index


@pytest.mark.slow
@pytest.mark.sandbox
def test_another_image_is_told_and_becomes_the_next_version(project_of_its_own, tmp_path: Path, monkeypatch) -> None:
    index = Index(tmp_path / "index")
    for name, value in index.environ.items():
        if name.startswith("PIP_"):
            monkeypatch.setenv(name, value)
    pair = project_of_its_own
    publisher, advertiser = pair.publisher, pair.advertiser

    def build(version: str) -> str:
        index.add("uplift", version)
        here = ".".join(map(str, sys.version_info[:2]))
        manifest = {"tag": "0.1", "python": here, "packages": ["uplift"], "versions": {"uplift": version}}
        (tmp_path / "mine.json").write_text(json.dumps(manifest))
        built = publisher.quickly("image", "build", "--manifest", str(tmp_path / "mine.json"), "--format", "json")
        return str(built.json["digest"])

    text = (publisher.directory / "code_spec.yaml").read_text()
    text = text.replace("    entrypoint:", '    image_tag: "0.1"\n    entrypoint:')
    text = re.sub(r"    pip_requirements:\n(?:      - .*\n)+", "", text)
    (publisher.directory / "code_spec.yaml").write_text(text)
    first = build("1.0")
    pair.meet()
    pair.submit()
    pair.approve("train")
    assert publisher.quickly("spec", "diff").out.strip() == "no differences"
    second = build("2.0")
    told = f"image 0.1 {first[:19]}… was pinned, now it would be 0.1 {second[:19]}…: uplift 1.0 → 2.0"
    assert told in publisher.quickly("spec", "diff").out
    assert told in advertiser.quickly("review", "train_drifting1").out
    again = publisher.quickly("spec", "register")
    assert told in again.err
    assert "lookalike_code_drifting1: unchanged" in again.out

    refused = publisher.quickly("image", "remove", first[:19], code=1)
    assert "is needed by template" in refused.err
    assert f"fix: cleanroom-ml image remove {first[:19]} --force" in refused.err

    # Taken: a version of this name that was registered from elsewhere; and one that others know from the room.
    text = (publisher.directory / "train.yaml").read_text()
    (publisher.directory / "other.yaml").write_text(text.replace("version: drifting1", "version: drifting2"))
    publisher.quickly("template", "register", "other.yaml")
    bumped = publisher.quickly("spec", "register", "--bump")
    assert "lookalike_code_drifting2: registered" in bumped.out
    assert f"image 0.1@{second}" in bumped.out
    assert "version: drifting3" in (publisher.directory / "train.yaml").read_text()
    assert "version: drifting2" in (publisher.directory / "score.yaml").read_text()
    publisher.quickly("template", "submit")
    assert "uplift" in advertiser.quickly("review", "train_drifting1").out

    forced = publisher.quickly("image", "remove", first, "--force")
    assert "given back" in forced.out
    assert "refused from now on: template" in forced.out
    advertiser.quickly("pool", "create")
    gone = advertiser.quickly("run", "train", code=5)
    assert "is not on this machine any more" in gone.err
    assert "cleanroom-ml spec register --bump" in gone.err
    checked = publisher.quickly("doctor", "--format", "json", code=1).json
    assert any(each["name"] == "image" and not each["ok"] and "is gone" in each["detail"] for each in checked)
