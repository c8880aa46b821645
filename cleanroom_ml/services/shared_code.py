"""The code specs of a collaboration, as VIEW_CODE_SPECS shows them: of templates that one created or can run."""

from __future__ import annotations

from dataclasses import dataclass

from cleanroom_ml.connection import Connection
from cleanroom_ml.services.answers import first_of, spec_text
from cleanroom_ml.services.shown_manifests import shown_manifest
from cleanroom_ml.services.tolerant_specs import code_spec_of
from cleanroom_ml.specs.problems import SpecProblems


@dataclass(frozen=True, slots=True)
class SharedCode:
    """One code spec. `content`: by each ML job's name the content digest of its files, empty where it is not shown."""

    id: str
    shared_by: str
    content: dict[str, str]
    text: str


def shared_code(connection: Connection, collaboration: str) -> tuple[SharedCode, ...]:
    """All code specs of a collaboration that this account is shown."""
    found = []
    for row in connection.call("COLLABORATION.VIEW_CODE_SPECS", collaboration):
        code_spec_id, text = str(row.get("code_spec_id") or ""), spec_text(first_of(row, "code_spec", "spec"))
        found.append(SharedCode(code_spec_id, str(row.get("shared_by") or ""), _content(text, code_spec_id), text))
    return tuple(found)


def _content(text: str, code_spec_id: str) -> dict[str, str]:
    try:
        spec, _, beside = code_spec_of(text, code_spec_id)
    except SpecProblems:
        return {}
    manifests = {
        job.name: shown_manifest(beside.get(job.name, {}).get("content_manifest"), job.stage_code_dir)
        for job in spec.ml_jobs
    }
    return {name: "" if manifest is None else manifest[0].digest for name, manifest in manifests.items()}
