"""Which places on a stage, and which file names, can be staged."""

from __future__ import annotations

import pytest
from services_requests import manifest
from services_targets import Account, unknown

from cleanroom_ml.errors import ServerError, UsageError
from cleanroom_ml.services.staging import StageLocation, _check_names, _list


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("ML_DB.PUBLIC.ML_STAGE/lookalike", "@ML_DB.PUBLIC.ML_STAGE/lookalike"),
        ("@ML_STAGE/a/b/", "@ML_STAGE/a/b"),
        ('DB."My Schema".S/dir', '@"DB"."My Schema"."S"/dir'),
    ],
)
def test_a_directory_on_a_stage(location: str, told: str) -> None:
    assert str(StageLocation.parse(location)) == told


@pytest.mark.parametrize(
    "location",
    [
        "", "@", "STAGE", "STAGE/", "@~/dir", "@%table/dir", "DB.S/..", "S/a/../b", "S/a//b", "S/./a", "A.B.C.D/x",
        "S/it's", "S/a\nb", "S/*", "S; DROP TABLE x/y", "s3://bucket/x", "S/ä",
    ],
)  # fmt: skip
def test_what_is_no_directory_on_a_stage(location: str) -> None:
    with pytest.raises(UsageError, match="stage"):
        StageLocation.parse(location)


def test_a_path_on_the_stage_is_one_literal() -> None:
    assert StageLocation.parse("S/a (1)").at("b c.py") == "'@S/a (1)/b c.py'"


@pytest.mark.parametrize("name", ["a.py", "a b/c-d_e+f=(1),@2.txt"])
def test_names_that_every_client_carries(name: str) -> None:
    _check_names(manifest({name: b""}))


@pytest.mark.parametrize("name", ["it's.py", "a*.py", "a?.py", "ä.py", "a;b", "a$b", "a%b", "[a]"])
def test_names_that_would_not_arrive_as_they_are(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be staged") as caught:
        _check_names(manifest({"ok.py": b"", name: b""}))
    assert name in caught.value.what or repr(name) in caught.value.what


@pytest.mark.parametrize(("role", "whose"), [("ANALYST", "the role ANALYST"), (None, "this role")])
def test_a_stage_that_is_not_shown_may_be_one_that_the_role_cannot_read(role: str | None, whose: str) -> None:
    account = Account({"LIST": unknown("Stage 'ML_STAGE'")})
    account.target = account.target.instead(role=role, warehouse=None)
    with pytest.raises(ServerError) as caught:
        _list(account, StageLocation.parse("ML_STAGE/code"))
    assert str(caught.value.why).endswith(f"or {whose} may not read it")
