"""Which template a run means, where the target tells odd things: a command says so, and starts nothing."""

from __future__ import annotations

import pytest
from services_targets import Account

from cleanroom_ml.errors import PolicyDeniedError, ServerError, UsageError
from cleanroom_ml.services.runnable import approved_template

SPEC = """\
api_version: 2.0.0
spec_type: template
name: train
version: V1
type: sql_analysis
template: SELECT 1
"""


@pytest.mark.parametrize("told", ["{", "train", "a b_1", "x" * 300])
def test_an_id_that_is_none_starts_nothing(told: str) -> None:
    account = Account({"COLLABORATION.VIEW_TEMPLATES": [{"template_id": told, "template_spec": SPEC}]})
    with pytest.raises(ServerError, match="tells no id of the template 'train'"):
        approved_template(account, "room", "train")


def test_an_id_is_taken_by_the_templates_name() -> None:
    account = Account({"COLLABORATION.VIEW_TEMPLATES": [{"template_id": "train_V1", "template_spec": SPEC}]})
    assert approved_template(account, "room", "TRAIN")[0] == "train_V1"


@pytest.mark.parametrize(
    ("account", "kind", "said"),
    [
        ("ACME-PUBLISHER", PolicyDeniedError, "publisher is no analysis runner of the collaboration lookalike"),
        ("ACME-ADVERTISER", UsageError, "no template 'train'"),
    ],
)
def test_who_runs_nothing_is_told_that_first(account: str, kind: type[Exception], said: str) -> None:
    """It was told that a template is missing, or an approval, which would not have helped."""
    with pytest.raises(kind, match=said) as caught:
        approved_template(Account({"COLLABORATION.VIEW_TEMPLATES": []}, account), "lookalike", "train")
    if kind is PolicyDeniedError:
        assert str(getattr(caught.value, "fix", "")).startswith("advertiser: cleanroom-ml run")
