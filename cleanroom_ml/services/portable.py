"""The portable digest of a request, out of what a target shows of it (evidence/portable_digest.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cleanroom_ml.artifacts.manifest import Manifest
from cleanroom_ml.errors import CleanroomError
from cleanroom_ml.evidence.parties import OWNER, REQUESTER, RUNNER, Party, party_in
from cleanroom_ml.evidence.portable_digest import portable_digest
from cleanroom_ml.json_values import Document
from cleanroom_ml.services.tolerant_specs import code_spec_of
from cleanroom_ml.specs.problems import SpecProblems
from cleanroom_ml.specs.template import Template


def portable_of(body: Document, template: Template, parties: Sequence[Party], code_specs: Sequence[str]) -> str:
    """The portable digest of a request.

    Args:
        body: what is shown of it (`subjects.Subject`).
        code_specs: the ids of all code specs that it is about, those that are not shown too.
    """
    shown = {str(code.get("id")).upper(): code for code in body.get("code_specs") or ()}
    listed = {each.upper(): each for each in (*code_specs, *(str(code.get("id")) for code in shown.values()))}
    everybody = tuple(parties)
    return portable_digest(
        collaboration=str(body.get("collaboration", "")),
        owner=party_in(everybody, OWNER).account,
        requested_by=party_in(everybody, REQUESTER).account,
        share_with=[party.account for party in parties if RUNNER in party.roles],
        template_id=str(body.get("template_id", "")),
        template=template.model_dump(mode="json", exclude_defaults=True),
        code_specs=[_code_spec(code_spec_id, shown.get(key)) for key, code_spec_id in listed.items()],
    )


def _code_spec(code_spec_id: str, code: Document | None) -> dict[str, object]:
    if code is None:
        return {"id": code_spec_id, "spec": None, "content": None}
    try:
        spec = code_spec_of(str(code.get("spec", "")), code_spec_id)[0]
    except SpecProblems:
        return {"id": code_spec_id, "spec": None, "content": None}
    content = {str(job["name"]): _content(job.get("content_manifest")) for job in code.get("ml_jobs") or ()}
    return {"id": code_spec_id, "spec": spec.model_dump(mode="json", exclude_defaults=True), "content": content}


def _content(manifest: object) -> str | None:
    if not isinstance(manifest, list) or not all(isinstance(each, Mapping) for each in manifest) or not manifest:
        return None
    try:
        return Manifest.from_json(manifest).digest
    except CleanroomError:
        return None
