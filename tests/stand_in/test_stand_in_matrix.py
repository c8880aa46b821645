"""Every other command of owner, provider and runner on such an account, each in a process of its own, in every shape.

Exit codes as docs/cli-conventions.md has them; what Snowflake cannot do says so, and what comes nearest (ml-jobs: of a
job there are get_status, get_logs and get_result).
"""

from __future__ import annotations

import pytest
from stand_in_flows import ACCOUNTS, approve, begin, run, submit, surprises, whole
from stand_in_parties import NAME, NewPair
from stand_in_shapes import SHAPES, Shape

pytestmark = pytest.mark.slow
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)


@every_shape
def test_both_flows_typed_at_terminals(new_pair: NewPair, shape: Shape) -> None:
    pair = new_pair(shape, apart=True)
    whole(pair)
    assert not surprises(pair)


@every_shape
def test_the_owner_edits_removes_and_ends(new_pair: NewPair, shape: Shape) -> None:
    pair = new_pair(shape)
    begin(pair)
    submit(pair)
    approve(pair)
    file = pair.publisher.directory / "collaboration.yaml"
    text = file.read_text()
    file.write_text(
        text.replace("  advertiser: GLOBEX.ADVERTISER\n", "  advertiser: GLOBEX.ADVERTISER\n  agency: INITECH.AGENCY\n")
        + "  agency:\n    data_providers:\n      publisher:\n        data_offerings: []\n"
    )
    edited = pair.publisher.types("collaboration edit --yes")
    assert "request_" in edited.out
    assert "ADD_COLLABORATOR" in edited.out
    pair.publisher.types(f"approve --yes --expect-digest sha256:{'0' * 64}", code=2)
    changed = pair.advertiser.types("review --format json").json
    pair.advertiser.types(f"approve --yes --expect-digest {changed['approval_digest']}")
    pair.publisher.types("requests --all")
    pair.publisher.types("requests --all")
    assert "agency" in pair.publisher.types("collaboration status").out
    assert "as it is already" in pair.publisher.types("collaboration edit --yes").out

    pair.publisher.types(f"template remove {NAME}_activate_V1", code=5)
    pair.publisher.types(f"template remove {NAME}_activate_V1 --from-collaboration --yes")
    pair.publisher.types(f"template remove {NAME}_activate_V1")
    pair.publisher.types(f"offering unlink {NAME}_customers_V1")
    pair.publisher.types(f"offering unregister {NAME}_customers_V1")
    pair.publisher.types(f"collaboration leave {NAME} --yes", code=2)
    pair.advertiser.types(f"collaboration leave {NAME} --yes")
    pair.publisher.types(f"collaboration teardown {NAME} --yes")
    assert "before" in pair.publisher.types(f"collaboration teardown {NAME} --yes").out
    assert not surprises(pair)


@every_shape
def test_a_rejection_and_a_withdrawal(new_pair: NewPair, shape: Shape) -> None:
    pair = new_pair(shape)
    begin(pair)
    submit(pair)
    pair.advertiser.types(f"reject {NAME}_train --reason no --yes")
    pair.publisher.types(f"requests withdraw {NAME}_activate --yes")
    refused = pair.advertiser.types("run", code=10)
    assert "rejected" in refused.err
    assert not surprises(pair)


@every_shape
def test_what_an_account_cannot_do_says_so_and_what_comes_nearest(new_pair: NewPair, shape: Shape) -> None:
    pair = new_pair(shape)
    begin(pair)
    submit(pair)
    approve(pair)
    job = run(pair)
    for typed, nearest in (
        ("jobs", "cleanroom-ml history"),
        (f"cancel {job}", "STOP ALL"),
        (f"logs {job} --events", ""),
    ):
        refused = pair.advertiser.types(typed, code=5)
        assert nearest in refused.err
        assert "Traceback" not in refused.err
    assert f"{NAME}_train_V1" in pair.advertiser.types("history --format json").out
    pair.advertiser.types(f"report {job} --output job.html")
    pair.advertiser.types("status no_such_job", code=5)
    assert not surprises(pair)


@every_shape
def test_pools_roles_registries_and_the_doctor(new_pair: NewPair, shape: Shape) -> None:
    pair = new_pair(shape)
    begin(pair)
    submit(pair)
    approve(pair)
    pair.advertiser.types("pool create OTHER --family CPU_X64_S --min-nodes 1 --max-nodes 3 --auto-suspend 60")
    pair.advertiser.types("pool create OTHER --family GPU_NV_S", code=None)
    assert "SUSPENDED" in pair.advertiser.types("pool suspend OTHER").out
    assert "STARTING" in pair.advertiser.types("pool resume OTHER").out
    pair.advertiser.types("pool list")
    pair.advertiser.types("pool drop OTHER --yes")
    pair.advertiser.types("pool show OTHER", code=2)

    pair.publisher.types("roles")
    assert "CREATE COLLABORATION" in pair.publisher.types("roles --privileges").out
    pair.publisher.types("grant RUN --to ANALYST")
    pair.publisher.types("grant register-template --to ANALYST")
    pair.publisher.types("revoke RUN --from ANALYST")
    pair.publisher.types("grant NOTHING --to ANALYST", code=2)
    pair.publisher.types("registry create mine --type TEMPLATE")
    assert "mine" in pair.publisher.types("registry list").out
    assert f"{NAME}_code_V1" in pair.publisher.types("code list").out
    pair.publisher.types(f"code show {NAME}_code_V1")
    pair.publisher.types("connection test")
    pair.advertiser.types("pool create")
    for _ in range(shape.late):  # what was approved last is being installed
        assert "upgrade_state UPGRADING" in pair.advertiser.types("doctor -c advertiser", code=1).out
    assert "no CLEANROOM_ML" in pair.advertiser.types("doctor -c advertiser").out
    pair.publisher.types("collaboration config ALLOW_ML_JOBS_MONITORING false")
    assert "false" in pair.publisher.types("collaboration config").out
    assert not surprises(pair)


@every_shape
def test_a_runner_reads_its_own_table_under_the_name_that_the_view_tells(new_pair: NewPair, shape: Shape) -> None:
    pair = new_pair(shape)
    begin(pair)
    pair.advertiser.types(f"offering unlink {NAME}_buyers_V1")
    linked = pair.advertiser.types("offering link --local")
    assert (f"{'LOCAL' if shape.local_prefix else 'advertiser'}.{NAME}_buyers_V1.buyers") in linked.out
    assert "linked before" in pair.advertiser.types("offering link --local").out
    pair.advertiser.types("offering link --local --with advertiser", code=2)
    assert "your own runs only" in pair.advertiser.types("offering list").out
    pair.advertiser.types(f"offering unlink {NAME}_buyers_V1")
    assert not surprises(pair)


@every_shape
def test_what_an_account_lacks_is_told_with_its_statement_and_the_same_again_goes_on(
    new_pair: NewPair, shape: Shape
) -> None:
    """service-behaviour, "Session" (the user's profile) and "Data grants"."""
    pair = new_pair(shape)
    publisher, advertiser = pair.publisher, pair.advertiser
    publisher.types(f"init --role provider {ACCOUNTS}")
    publisher.types("collaboration create")
    advertiser.types(f"init --role runner {ACCOUNTS}")
    pair.world.account("GLOBEX-ADVERTISER").profile = False
    told = advertiser.types("collaboration join --yes", code=5)
    assert "INSTALLATION_FAILED" in told.err
    assert "add your first/last name" in told.err
    advertiser.types("sql", "ALTER USER ADA SET FIRST_NAME = 'A', LAST_NAME = 'L', EMAIL = 'a@b.example'")
    advertiser.types("collaboration join --yes")

    pair.world.account("ACME-PUBLISHER").unshared.add("ML_DB")
    told = publisher.types("offering link", code=5)
    statement = "GRANT REFERENCE_USAGE ON DATABASE ML_DB TO SHARE SCO_DATA_OFFERINGS_LOOK"
    assert f"fix: {statement}" in told.err
    publisher.types("sql", statement)
    publisher.types("offering link")
    assert not surprises(pair)


@every_shape
def test_staged_content_that_list_does_not_tell_is_compared_with_the_registered_manifest(
    new_pair: NewPair, shape: Shape
) -> None:
    """LIST, "Output": the MD5 can be NULL. Of two files of one size only a hash tells which is which."""
    pair = new_pair(shape)
    begin(pair)
    pair.publisher.types("stage")
    [stage] = pair.world.account("ACME-PUBLISHER").stages.values()
    for files in (stage.files, stage.listed):
        files[f"{NAME}/train.py"] = files[f"{NAME}/train.py"][::-1]
    if shape.md5 or shape.manifests == "mapping":
        told = pair.publisher.types("spec register", code=11)
        assert "train.py" in told.err
        assert "cleanroom-ml stage" in told.err
    else:
        assert "their content was not compared" in pair.publisher.types("spec register").err
