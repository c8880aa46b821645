"""What a review shows is what would run: every file, every difference, nothing hidden."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from services_requests import CALL, CODE_SPEC, FILES, PARTIES, job, request, spec, subject

from cleanroom_ml.cli.review_text import review_text
from cleanroom_ml.errors import CleanroomError, HashMismatchError, UsageError
from cleanroom_ml.services.review import Review, check_form, review_request, verify_digest
from cleanroom_ml.services.subjects import subject_of
from cleanroom_ml.services.update_requests import UpdateRequest
from cleanroom_ml.services.verification import verify_reviewed


def reviewed(body: dict) -> Review:
    return review_request("LOOKALIKE", request(body), subject(body))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for path, data in FILES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(data)
    return tmp_path


def test_the_text_tells_everything_that_is_decided() -> None:
    review = reviewed(spec())
    text = review_text(review)
    for said in ("publisher asks that advertiser may run train_V1", CALL, "train.py", "lib/features.py", "1,000 bytes"):
        assert said in text
    assert all(entry.sha256 in text for entry in review.jobs[0].files)
    assert text.endswith(f"approval digest  {review.approval_digest}")
    assert "first version" in text
    assert "no sqlsafe" in text


@pytest.mark.parametrize("entries", [None, []])
def test_a_job_without_a_manifest_is_not_reviewed(entries: object) -> None:
    with pytest.raises(HashMismatchError, match="no content_manifest") as caught:
        reviewed(spec(jobs=[job(content_manifest=entries)]))
    assert caught.value.exit_code == 11


@pytest.mark.parametrize("digest", ["sha256:" + "0" * 64, "0" * 64, "x"])
def test_a_digest_that_the_files_do_not_add_up_to(digest: str) -> None:
    with pytest.raises(HashMismatchError, match="does not add up") as caught:
        reviewed(spec(jobs=[job(content_digest=digest)]))
    assert caught.value.exit_code == 11


@pytest.mark.parametrize("path", ["../evil.py", "/etc/passwd", "a//b", "a\\b", "x\x1b[2J.py"])
def test_a_manifest_with_an_unsafe_path_is_refused(path: str) -> None:
    entries = [{"path": path, "size": 1, "sha256": "0" * 64}]
    with pytest.raises(CleanroomError):
        reviewed(spec(jobs=[job(content_manifest=entries, content_digest=None)]))


def test_the_digest_is_of_all_of_it() -> None:
    digests = {
        reviewed(body).approval_digest
        for body in (
            spec(),
            spec(CALL + " -- x"),
            spec(jobs=[job({**FILES, "new.py": b""})]),
            spec(jobs=[job(image="other")]),
            spec(room="4f01"),
            spec(parties=[PARTIES[0] | {"account": "LOCAL.MALLORY"}, PARTIES[1]]),
            spec(result_limit_bytes=1001),
            spec(dependency_lock="numpy==2"),
            spec(image="image@sha256:0"),
        )
    }
    assert len(digests) == 9


def test_a_pinned_digest(directory: Path) -> None:
    review = reviewed(spec())
    verify_digest(review, review.approval_digest)
    with pytest.raises(HashMismatchError) as caught:
        verify_digest(review, "sha256:" + "0" * 64)
    assert caught.value.exit_code == 11
    assert review.approval_digest in str(caught.value.why)


@pytest.mark.parametrize("digest", ["", "sha256:0", "sha256:" + "A" * 64, "x" * 64, "md5:" + "0" * 64])
def test_what_no_request_can_have_for_a_digest_is_known_at_once(digest: str) -> None:
    with pytest.raises(HashMismatchError, match="no request has the digest"):
        check_form(digest)
    for good in ("sha256:" + "0" * 64, "portable:sha256:" + "a" * 64):
        check_form(good)


def test_the_directory_that_was_read_is_what_would_run(directory: Path) -> None:
    verify_reviewed(reviewed(spec()), directory)


@pytest.mark.attack
@pytest.mark.parametrize(
    ("files", "difference"),
    [
        ({**FILES, "train.py": b"print(2)\n"}, "changed: train.py"),
        ({**FILES, "evil.py": b""}, "would run, and is not in {}: evil.py"),
        ({"train.py": FILES["train.py"]}, "only in {}: lib/features.py"),
        ({**FILES, "train.py": FILES["train.py"] + b" "}, "changed: train.py"),
    ],
)
def test_other_code_than_was_read_is_named(directory: Path, files: dict[str, bytes], difference: str) -> None:
    with pytest.raises(HashMismatchError) as caught:
        verify_reviewed(reviewed(spec(jobs=[job(files)])), directory)
    difference = difference.format(directory)
    assert caught.value.differences == (f"code_V1$train: {difference}",)
    assert difference in str(caught.value.why)


@pytest.mark.attack
def test_a_file_that_the_directory_ignores_is_still_missed(directory: Path) -> None:
    (directory / ".cleanroomignore").write_text("train.py\n")
    with pytest.raises(HashMismatchError) as caught:
        verify_reviewed(reviewed(spec()), directory)
    assert f"code_V1$train: would run, and is not in {directory}: train.py" in caught.value.differences


def test_without_code_there_is_nothing_to_compare(directory: Path) -> None:
    with pytest.raises(UsageError, match="no staged code"):
        verify_reviewed(reviewed(spec("select 1", code_specs=[])), directory)


def test_without_the_directory() -> None:
    with pytest.raises(UsageError):
        verify_reviewed(reviewed(spec()), Path("/nowhere/at/all"))


@pytest.mark.parametrize(
    ("line", "controlled"),
    [
        ("select {{ compute_pool | sqlsafe }}", [True]),
        ("select * from {{ source_table[0] | sqlsafe }}", [True]),
        ("{% set x = 'drop' %} select {{ x | sqlsafe }}", [False]),
        ("select {{ unknown | sqlsafe }}", [False]),
        ("select {{ compute_pool }}", []),
    ],
)
def test_what_enters_the_sql_as_it_is(line: str, controlled: list[bool]) -> None:
    review = reviewed(spec(line))
    assert [use.runner_controlled for use in review.sqlsafe] == controlled
    assert ("NOT under the runner's control" in review_text(review)) == (False in controlled)


@pytest.mark.attack
@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("select IDENTIFIER({{ compute_pool }}) from t", "IDENTIFIER({{ compute_pool }})  (ANY column, table"),
        ("select IDENTIFIER({{ c | column_policy }})", "(a column that the column policy of its data offering allows)"),
        ("select IDENTIFIER({{ c | column_policy | upper }})", "(ANY column, table"),
        ("select IDENTIFIER({{ (c | column_policy) ~ d }})", "(ANY column, table"),
        ("select 1 from IDENTIFIER({{ source_table[0] }})", "(any dataset that is shared with the runner)"),
        ("select 1 from IDENTIFIER({{ my_table[0] }})", "(any dataset of the runner's own)"),
        ("select 1 from TABLE({{ compute_pool }})", "TABLE({{ compute_pool }})  (ANY column, table"),
        ("select $1 from @{{ compute_pool }}", "@{{ compute_pool }}  (ANY stage of the room)"),
        ("execute immediate {{ compute_pool }}", "(ANY statement: the runner writes it)"),
        ("begin let t := {{ compute_pool }}; return (select 1 from IDENTIFIER(:t)); end", "IDENTIFIER(:t)  (whatever"),
        ("{% set t = compute_pool %}select IDENTIFIER({{ t }})", "IDENTIFIER({{ t }})  (ANY column, table"),
        (
            "{% for t in source_table %}select IDENTIFIER({{ t }});{% endfor %}",
            "IDENTIFIER({{ t }})  (ANY column, table",
        ),
        ("{% macro m(t) %}IDENTIFIER({{ t }}){% endmacro %}{{ m(compute_pool) }}", "(ANY column, table"),
        ("select IDENTIFIER{% if compute_pool %}({% endif %}{{ compute_pool }})", "CANNOT BE TOLD"),
    ],
)
def test_a_bound_value_that_chooses_a_name_is_told_with_what_it_may_choose(line: str, shown: str) -> None:
    text = review_text(reviewed(spec(line)))
    assert shown in text
    assert "every value is bound" not in text


@pytest.mark.parametrize(
    "line", ["select 1 from t where a = {{ compute_pool }}", "select '{% if a %}x{% endif %}', {{ a }}", CALL]
)
def test_that_every_value_is_data_is_said_where_it_is_so(line: str) -> None:
    assert "every value is bound: none enters the SQL as it is (no sqlsafe), none names" in review_text(
        reviewed(spec(line))
    )


def test_what_the_template_itself_names_is_nobodys_choice() -> None:
    preset = "preset_tables: [{alias: a, template_view_name: pub.offer_v1.t}]\ntemplate: |"
    body = spec("select 1 from IDENTIFIER({{ preset_tables['a'] }})")
    body["template"] = body["template"].replace("template: |", preset)
    text = review_text(reviewed(body))
    assert "(fixed by the template: pub.offer_v1.t)" in text
    assert "every value is bound" in text


def test_what_goes_to_the_code_is_told() -> None:
    text = review_text(reviewed(spec()))
    assert "values that go to the code\n  line 1: {{ compute_pool }}  (the code's own to use)" in text


@pytest.mark.attack
def test_what_a_later_engine_adds_to_a_request_is_shown_compared_and_digested() -> None:
    code = {"id": "code_V1", "spec": CODE_SPEC, "ml_jobs": [job(runs_as="root")], "hooks": ["a"]}
    review = reviewed({**spec(code_specs=[code], outside={"net": True}), "previous": spec()})
    text = review_text(review)
    for told in (
        'also approved: outside {"net": true}',
        'also approved: code_V1.hooks ["a"]',
        'runs_as          "root"',
    ):
        assert told in text
    assert "outside None → {'net': True}" in review.changes
    assert any("runs_as" in line for line in review.changes)
    assert review.approval_digest != reviewed(spec(code_specs=[code])).approval_digest


def test_the_accounts_are_shown_with_what_they_are() -> None:
    text = review_text(reviewed(spec()))
    assert "account  LOCAL.ADVERTISER, here advertiser: analysis runner, data provider" in text
    assert "account  LOCAL.PUBLISHER, here publisher: owner, requester, data provider" in text
    assert "room     4f00, lookalike of LOCAL.PUBLISHER" in text


def test_the_first_version_has_no_changes() -> None:
    assert reviewed(spec()).changes == ()


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (spec(version="V2"), None),
        (spec(CALL + " -- x", version="V2"), "template: template changed"),
        (spec(version="V2", jobs=[job({**FILES, "train.py": b"x"})]), "job train: changed: train.py"),
        (spec(version="V2", jobs=[job({**FILES, "b.py": b"x"})]), "job train: added: b.py"),
        (spec(version="V2", jobs=[job({"train.py": b"print(1)\n"})]), "job train: removed: lib/features.py"),
        (spec(version="V2", jobs=[job(), job(name="two")]), "job two: added"),
        (spec(version="V2", jobs=[]), "job train: removed"),
        (spec(version="V2", jobs=[job(allow_monitoring=True)]), "job train: allow_monitoring False → True"),
        (spec(version="V2", jobs=[job(pip_requirements=["a==1"])]), "job train: pip_requirements () → ('a==1',)"),
        (spec(version="V2", jobs=[job(image="x")]), "job train: image 'latest' → 'x'"),
        (spec(version="V2", jobs=[job(entrypoint="b.py")]), "job train: entrypoint 'train.py' → 'b.py'"),
        (spec(version="V2", result_limit_bytes=9), "result limit 1000 → 9"),
        (spec(version="V2", image="i"), "image None → 'i'"),
        (spec(version="V2", dependency_lock="a==1"), "dependency lock changed"),
    ],
)
def test_changes_since_the_version_approved_before(body: dict, line: str | None) -> None:
    review = reviewed({**body, "previous": spec()})
    assert review.changes == ((line,) if line else ())
    assert (line or "no difference from train_V1") in review_text(review)


@pytest.mark.attack
def test_a_change_is_not_hidden_by_another_job_of_the_same_name() -> None:
    """Two versions of one code spec in one template: the second's job must not stand for the first's."""
    same = {"id": "code_V2", "spec": CODE_SPEC, "ml_jobs": [job()]}
    changed = {"id": "code_V1", "spec": CODE_SPEC, "ml_jobs": [job({"train.py": b"evil"})]}
    before = [{"id": "code_V1", "spec": CODE_SPEC, "ml_jobs": [job()]}, same]
    review = reviewed({**spec(code_specs=[changed, same]), "previous": spec(code_specs=before)})
    assert "job train: changed: train.py" in review.changes


@pytest.mark.attack
def test_functions_of_a_code_spec_are_among_the_changes() -> None:
    function = "functions:\n  - {name: f, type: UDF, language: PYTHON, handler: f, returns: FLOAT, code_body: 'x'}\n"
    added = spec(code_specs=[{"id": "code_V1", "spec": CODE_SPEC + function, "ml_jobs": [job()]}])
    try:
        review = reviewed({**added, "previous": spec()})
    except CleanroomError as error:
        pytest.fail(f"the spec of the test is none: {error}")
    assert review.changes == ("functions, procedures or artifacts of the code specs changed",)


@pytest.mark.attack
@pytest.mark.parametrize("char", ["\x1b]", "\x1b[8m", "\x9d", "\r", "\u202e", "\u200b"])
def test_no_character_hides_a_part_of_the_review(char: str) -> None:
    """`/* ESC ] */ , secret /* BEL */` would be run by the server, and left out by a terminal."""
    review = reviewed(spec())
    hidden = f"select 1 /* {char} */ , secret /* \x07 */"
    text = review_text(_with(review, template=hidden, requester=f"p{char}\nnote: approved by all"))
    assert ", secret" in text
    assert char not in text
    assert "\nnote: approved by all" not in text
    assert review.approval_digest in text
    done = subprocess.run(["cat", "-v"], input=text, capture_output=True, text=True, check=True)
    assert "^[" not in done.stdout


def _with(review: Review, **changes: object) -> Review:
    from dataclasses import replace

    return replace(review, **changes)  # type: ignore[arg-type]


def test_a_request_of_another_kind() -> None:
    linked = UpdateRequest("r", "Link Data Offering", "COMPLETED", {"data_offering_id": "x"}, "")
    connection: Any = None  # it is not asked
    with pytest.raises(UsageError, match="is of type Link Data Offering"):
        subject_of(connection, "C", linked)
