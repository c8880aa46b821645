"""What is typed wrong: exit code 2, the nearest name, and standard output that parses where JSON was asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cleanroom_ml.cli import context
from cleanroom_ml.cli.commands.run import _wanted
from cleanroom_ml.cli.options import parse_arguments
from cleanroom_ml.errors import UsageError

WRONG = [
    (["stag"], "Did you mean 'stage'?"),
    (["zzz"], "lists the commands"),
    (["spec", "registr"], "'register'"),
    (["run", "--timeot", "3"], "--timeout"),
    (["status"], "JOB_ID"),
    (["spec"], "needs a command"),
    (["run", "--nodes", "0"], "--nodes"),
    (["run", "--nodes", "many"], "--nodes"),
    (["completion", "tcsh"], "tcsh"),
    (["stage"], "cleanroom.yaml"),
    (["connection", "use", "nowhere"], "no connection named 'nowhere'"),
    (["approve", "--yes", "--collaboration", "c"], "what is being approved"),
    (["approve", "x", "--collaboration", "c", "--reviewed", "nowhere/"], "there is no directory nowhere"),
    (["run", "x", "--collaboration", "c", "--arg", "novalue"], "KEY=VALUE"),
    (["run", "x", "--collaboration", "c"], "no connection is bound"),
    (["collaboration", "config", "KEY", "--collaboration", "c"], "no value for KEY"),
    (["init", "--name", "no name"], "not a name"),
    (["init", "--provider", "a b"], "not an account"),
    (["init", "--role", "runer"], "for '--role': 'runer' is not one of"),
    (["engine", "start", "--like-snowflake", "none"], "cleanroom-ml engine stop && cleanroom-ml engine start"),
    (["pool", "suspend"], "no pool named"),
    (["pool", "create"], "no pool named"),
    (["pool", "create", "MINE"], "--family CPU_X64_S"),
    (["help", "entrypiont"], "code_spec.ml_jobs.entrypoint"),
    (["sql", "SELECT 1", "-f", "x.sql"], "both"),
    (["sql", "-f", "nowhere.sql"], "nowhere.sql"),
    (["load", "a.csv", "--as", "A.B.C", "--replace", "--append"], "exclude"),
    (["load", "a.csv", "--as", "A.B.C", "--column", "ID"], "NAME=TYPE"),
    (["stage", "nowhere", "--to", "A.B.C/d", "--dry-run"], "nowhere"),
]


@pytest.mark.parametrize(("arguments", "said"), WRONG, ids=[" ".join(words) for words, _ in WRONG])
def test_a_usage_error_is_2_and_helps(cli, arguments: list[str], said: str) -> None:
    ran = cli(*arguments)
    assert ran.code == 2
    assert ran.out == ""
    assert said in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(("arguments", "said"), WRONG, ids=[" ".join(words) for words, _ in WRONG])
@pytest.mark.parametrize("how", ["--format json", "--format=json", "variable", "--format jsonl"])
def test_json_parses_whatever_happens(cli, monkeypatch, arguments: list[str], said: str, how: str) -> None:
    if how == "variable" or arguments == ["spec"]:  # a noun alone takes no options
        monkeypatch.setenv("CLEANROOM_ML_FORMAT", "json")
        ran = cli(*arguments)
    else:
        ran = cli(*arguments, *how.split())
    error = json.loads(ran.out)["error"]
    assert error["exit_code"] == ran.code == 2
    assert said in error["what"] + str(error["fix"])
    assert {"type", "exit_code", "what", "why", "fix"} <= error.keys()


def test_the_flag_wins_over_the_variable(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEANROOM_ML_FORMAT", "json")
    assert cli("status", "--format", "table").out == ""


def test_a_format_that_is_none(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEANROOM_ML_FORMAT", "xml")
    ran = cli("connection", "list")
    assert ran.code == 2
    assert "xml" in ran.err


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        (["spec", "register"], "code_specs"),
        (["spec", "diff"], "code_specs"),
        (["template", "register"], "templates"),
        (["template", "submit"], "templates"),
        (["offering", "register"], "offerings"),
        (["offering", "link"], "offerings"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_a_command_about_files_says_that_the_project_has_none(cli, arguments: list[str], key: str) -> None:
    """As in the directory of the other party, where these commands belong to somebody else."""
    Path("cleanroom.yaml").write_text("version: 1\ncollaboration: c\n", encoding="utf-8")
    ran = cli(*arguments)
    assert ran.code == 2
    assert f"`{key}`" in ran.err
    assert "target" not in ran.err


@pytest.mark.parametrize(
    ("named", "template", "tables"),
    [
        (None, "train", 2),
        ("fit", "train", 2),
        ("train", "train", 2),
        ("train_V1", "train_V1", 2),
        ("other_V1", "other_V1", 0),
    ],
)
def test_a_run_by_the_name_or_id_of_its_template_has_the_project_s_tables(
    named: str | None, template: str, tables: int
) -> None:
    """`run train_V1` went without tables, and the server said that the variable 0 has no value."""
    text = "version: 1\ncollaboration: c\nruns:\n  fit: {template: train, tables: [a.b.c, d.e.f]}\n"
    Path("cleanroom.yaml").write_text(text, encoding="utf-8")
    wanted = _wanted(named, "c", None, None, None, {}, None)
    assert (wanted.template, len(wanted.tables)) == (template, tables)


def test_an_argument_that_is_called_json_asks_for_nothing(cli) -> None:
    assert cli("run", "json", "--nodes", "0").out == ""


@pytest.mark.parametrize("format_", ["table", "json"])
@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt(), 130), (RuntimeError("a [red]defect"), 1), (BrokenPipeError(), 0)]
)
def test_no_error_gets_out(cli, monkeypatch, error: BaseException, code: int, format_: str) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    if isinstance(error, BrokenPipeError):
        # What follows a closed pipe is done to the real standard output.
        monkeypatch.setattr("os.dup2", lambda *_: None)
    monkeypatch.setattr(context, "target", fail)
    monkeypatch.setattr("sys.stdout.fileno", lambda: 1, raising=False)
    ran = cli("jobs", "--collaboration", "c", "--format", format_)
    assert ran.code == code
    assert "Traceback" not in ran.err
    if format_ == "json" and code:
        assert json.loads(ran.out)["error"]["exit_code"] == code


def test_debug_shows_the_traceback(cli) -> None:
    quiet, loud = cli("jobs", "--collaboration", "c"), cli("jobs", "--collaboration", "c", "--debug")
    assert quiet.code == loud.code == 2
    assert "Traceback" not in quiet.err
    assert "Traceback" in loud.err


def test_a_file_that_is_not_there_is_no_defect(cli, person: Path) -> None:
    ran = cli("validate", "nowhere.yaml")
    assert ran.code in (1, 2)
    assert "nowhere.yaml" in ran.err
    assert "defect" not in ran.err


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("k=1", 1),
        ("k=text", "text"),
        ("k=", ""),
        ("k=a=b", "a=b"),
        ('k={"x": [null]}', {"x": [None]}),
        ("k=NaN", "NaN"),
        ("k=1e999", "1e999"),
        ("k=" + "[" * 100_000, "[" * 100_000),
    ],
)
def test_arguments_are_json_where_they_parse(pair: str, value: object) -> None:
    assert parse_arguments([pair]) == {"k": value}


@pytest.mark.parametrize("pair", ["k", "=v", ""])
def test_an_argument_without_a_name_or_value(pair: str) -> None:
    with pytest.raises(UsageError):
        parse_arguments([pair])


@pytest.mark.parametrize("options", [("-c", "other"), ("--format", "json"), ("--all",), ("-x",)])
def test_options_before_the_verb_of_requests_are_not_lost(cli, options: tuple[str, ...]) -> None:
    """The verb would take its own: a withdrawal would go to another connection than the one that was named."""
    ran = cli("requests", *options, "withdraw", "train_V1", "--yes")
    assert ran.code == 2
    assert "options stand behind the verb" in ran.err


def test_a_digest_that_no_request_can_have_is_told_before_anything_is_asked(cli) -> None:
    ran = cli("approve", "x", "--yes", "--collaboration", "c", "--expect-digest", "sha256:0")
    assert (ran.code, "no request has the digest 'sha256:0'" in ran.err) == (11, True)
