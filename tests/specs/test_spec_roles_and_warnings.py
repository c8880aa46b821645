"""What `validate` finds offline of who is in a collaboration, and of what free-form SQL may read."""

from __future__ import annotations

from pathlib import Path

from cleanroom_ml.services.projects import check, warnings

ROOM = """\
api_version: 2.0.0
spec_type: collaboration
name: lookalike
owner: publisher
collaborator_identifier_aliases: {publisher: LOCAL.PUBLISHER, advertiser: LOCAL.ADVERTISER, idle: LOCAL.IDLE}
analysis_runners:
  advertiser: {data_providers: {publisher: {data_offerings: []}}}
"""


def test_an_alias_without_a_role_is_found_offline(tmp_path: Path) -> None:
    """Source: docs/api-digest.md §9: INITIALIZE refuses a collaborator that has no role."""
    (tmp_path / "collaboration.yaml").write_text(ROOM)
    alone = check(tmp_path / "collaboration.yaml").problems
    (tmp_path / "cleanroom.yaml").write_text("version: 1\ncollaboration: lookalike\n")
    for found in (alone, check(tmp_path).problems):
        assert [(each.line, "'idle' has no role" in each.what) for each in found] == [(5, True)]


def test_free_form_sql_without_a_policy_is_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "features.yaml"
    path.write_text(
        "api_version: 2.0.0\nspec_type: data_offering\nname: features\nversion: V1\ndatasets:\n"
        "  - alias: t\n    data_object_fqn: a.b.c\n    allowed_analyses: template_and_freeform_sql\n"
        "    schema_and_template_policies: {ID: {category: passthrough}}\n"
    )
    assert warnings(path) == (f"{path}: t allows free-form SQL without a policy: every row is readable",)
    path.write_text(path.read_text().replace("template_and_freeform_sql", "template_only"))
    assert warnings(path) == ()
