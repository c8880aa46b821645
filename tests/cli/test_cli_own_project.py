"""A project of one's own, typed from nothing: accounts, `init`, `load`, `sql`, and up to what waits for approval."""

from __future__ import annotations

import gzip
import json
import os
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest

from cleanroom_ml.cli.main import run
from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.local.engine import EngineStatus


@dataclass(frozen=True, slots=True)
class World:
    """Two accounts of the session's engine that nobody else uses, and where their person's keys and state are."""

    variables: dict[str, str]
    names: tuple[str, str]


@pytest.fixture(scope="module")
def world(engine: EngineStatus, engine_home: Home, tmp_path_factory: pytest.TempPathFactory) -> World:
    place = tmp_path_factory.mktemp("own")
    names = f"shop_{uuid.uuid4().hex[:8]}", f"brand_{uuid.uuid4().hex[:8]}"
    variables = {"CLEANROOM_ML_HOME": str(engine_home.path), "CLEANROOM_ML_CONFIG": str(place / "config")}
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in variables.items():
            patch.setenv(variable, value)
        for name in names:
            assert run(["account", "create", name]) == 0
    return World(variables, names)


@pytest.fixture
def names(world: World, person: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    for variable, value in world.variables.items():
        monkeypatch.setenv(variable, value)
    return world.names


@pytest.fixture
def account(names: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("CLEANROOM_ML_CONNECTION", names[0])
    return names[0]


def done(ran) -> str:
    assert ran.code == 0, ran.err
    return ran.out


def test_every_file_of_init_is_taken_as_it_is(cli, names, monkeypatch: pytest.MonkeyPatch) -> None:
    shop, brand = names
    room = f"room_{uuid.uuid4().hex[:8]}"
    init = cli("init", "mine", "--name", room, "--provider", shop, "--runner", brand)
    assert "cleanroom-ml validate" in init.err
    assert "account create" not in init.err
    assert f"provider: {shop} (account LOCAL.{shop.upper()})" in done(init)
    monkeypatch.chdir("mine")
    done(cli("validate"))
    done(cli("connection", "use", shop))
    assert "created, JOINED" in done(cli("collaboration", "create"))
    # The steps in another order than they are written down: each says which one is missing.
    assert "fix: cleanroom-ml stage" in cli("spec", "register").err
    assert "fix: cleanroom-ml load FILE --as" in cli("offering", "link").err
    staged = cli("stage")
    assert "created   database ML_DB" in done(staged)
    assert "next: cleanroom-ml spec register\n" in staged.err
    assert "registered" in done(cli("spec", "register"))
    done(cli("load", "data/customers.csv", "--as", f"ML_DB.PUBLIC.{room.upper()}_CUSTOMERS"))
    assert "linked" in done(cli("offering", "link"))
    assert f"{room}_train_V1 for {brand}: REQUESTED" in done(cli("template", "submit"))
    # What one has sent is somebody else's to approve.
    hints = [line for line in cli("review", f"{room}_train_V1").err.split("\n") if line.startswith("next: ")]
    assert hints[0] == f"next: {brand}: cleanroom-ml approve {room}_train_V1"
    # Names that nothing has, and things that are taken away twice.
    nothing = cli("offering", "unlink", "nope")
    assert (nothing.code, "there is no data offering 'nope'" in nothing.err) == (2, True)
    assert "unlinked" in done(cli("offering", "unlink", f"{room}_customers_v1"))
    assert "not linked" in done(cli("offering", "unlink", f"{room}_customers_v1"))
    nothing = cli("activation", "process", "--segment", "nope")
    assert (nothing.code, "'nope'" in nothing.err) == (2, True)
    assert "nothing has arrived" in done(cli("activation", "process"))
    # A directory without files is no wish to take everything off the stage.
    Path("empty").mkdir()
    refused = cli("stage", "empty", "--to", "ML_DB.PUBLIC.ML_STAGE/mine")
    assert (refused.code, "is empty" in refused.err) == (2, True)
    again = cli("stage")
    assert "unchanged" in done(again)
    assert "next: cleanroom-ml spec register\n" in again.err
    # What is registered goes on as it is: other code is another version of it.
    Path("code/train.py").write_text(Path("code/train.py").read_text() + "\n# changed\n")
    assert "next: cleanroom-ml spec register --bump\n" in cli("stage").err
    # A name that was misspelt is no matter of the stage, and uses up no version.
    spec = Path("code_spec.yaml")
    spec.write_text(misspelt := spec.read_text().replace("entrypoint: train.py", "entrypoint: trian.py"))
    refused = cli("spec", "register", "--bump")
    assert (refused.code, "did you mean 'train.py'?" in refused.err, "`entrypoint`" in refused.err) == (2, True, True)
    assert "fix: cleanroom-ml stage" not in refused.err
    assert spec.read_text() == misspelt


def test_load_makes_what_is_missing_once(cli, account, person: Path) -> None:
    file = person / "work" / "it's a [file] *.csv"
    file.write_text(
        'ID,Name,When,odd col\n1,"Zoë, x",2024-01-02 03:04:05,a\n2,,2024-01-03 00:00:00,b\n', encoding="utf-8"
    )
    first = cli("load", file.name, "--as", "NEW_DB.SALES.PEOPLE", "--format", "json")
    loaded = json.loads(done(first))
    assert (loaded["rows"], loaded["fresh"]) == (2, True)
    assert loaded["created"] == ["database NEW_DB", "schema NEW_DB.SALES"]
    assert [name for name, _ in loaded["columns"]] == ["ID", "NAME", "WHEN", "odd col"]
    again = json.loads(done(cli("load", file.name, "--as", "new_db.sales.people", "--format", "json")))
    assert (again["rows"], again["fresh"], again["created"]) == (2, False, [])
    rows = json.loads(
        done(cli("sql", 'SELECT id, name, "odd col" FROM new_db.sales.people ORDER BY id', "--format", "json"))
    )
    assert rows == [{"ID": 1, "NAME": "Zoë, x", "odd col": "a"}, {"ID": 2, "NAME": None, "odd col": "b"}]


def test_a_file_that_looks_like_another_is_told_before_it_is_a_table(cli, account, person: Path) -> None:
    work = person / "work"
    (work / "semicolons.csv").write_text("a;b\n1;x\n2;y\n")
    (work / "ragged.csv").write_text("a,b\n1,2\n3\n4,5,6\n")
    (work / "book.csv").write_bytes(b"PK\x03\x04\x14\0\0\0")
    refused = cli("load", "semicolons.csv", "--as", "LOOKS.S.T")
    assert (refused.code, "fix: --delimiter ';'" in refused.err) == (2, True)
    assert "T: 2 rows" in done(cli("load", "semicolons.csv", "--as", "LOOKS.S.T", "--delimiter", ";"))
    assert "loaded before" in done(cli("load", "semicolons.csv", "--as", "LOOKS.S.T", "--delimiter", ";"))
    assert json.loads(done(cli("sql", "SELECT b FROM LOOKS.S.T ORDER BY a", "--format", "json")))[0] == {"B": "x"}
    assert cli("load", "semicolons.csv", "--as", "LOOKS.S.T", "--delimiter", "|").code == 1
    uneven = cli("load", "ragged.csv", "--as", "LOOKS.S.U")
    assert (uneven.code, "why: line 3 has 1 column, the first one has 2 columns" in uneven.err) == (5, True), uneven.err
    excel = cli("load", "book.csv", "--as", "LOOKS.S.U")
    assert (excel.code, "export it as CSV" in excel.err) == (2, True)
    assert cli("load", "ragged.csv", "--as", "LOOKS.S.U", "--delimiter", ";;").code == 2


def test_other_content_is_a_conflict_until_it_is_said_what_to_do(cli, account, person: Path) -> None:
    (person / "work" / "a.csv").write_text("id\n1\n2\n")
    (person / "work" / "b.csv").write_text("id\n3\n")
    count = ("sql", "SELECT COUNT(*) FROM OTHER.S.T", "--format", "csv")
    done(cli("load", "a.csv", "--as", "OTHER.S.T"))
    refused = cli("load", "b.csv", "--as", "OTHER.S.T")
    assert refused.code == 1
    assert "--replace" in refused.err
    done(cli("load", "b.csv", "--as", "OTHER.S.T", "--append"))
    done(cli("load", "b.csv", "--as", "OTHER.S.T", "--append"))
    assert done(cli(*count)).splitlines()[1] == "4"
    done(cli("load", "b.csv", "--as", "OTHER.S.T", "--replace"))
    assert done(cli(*count)).splitlines()[1] == "1"
    # As many rows of the same files prove nothing of what is in them: who replaces gets the files' rows and types.
    done(cli("sql", "UPDATE OTHER.S.T SET ID = 99"))
    replaced = done(cli("load", "b.csv", "--as", "OTHER.S.T", "--replace", "--column", "id=VARCHAR"))
    assert "loaded before" not in replaced
    values = ("sql", "SELECT ID FROM OTHER.S.T", "--format", "json")
    assert json.loads(done(cli(*values))) == [{"ID": "3"}]
    # Unasked, the types are part of what is the same.
    again = ("load", "b.csv", "--as", "OTHER.S.T", "--column")
    assert "OTHER.S.T: 1 rows (the same files were loaded before)" in done(cli(*again, "ID=varchar"))
    assert "with other --column types" in cli("load", "b.csv", "--as", "OTHER.S.T").err
    unknown = cli(*again, "zap=VARCHAR")
    assert (unknown.code, "there is no column 'zap'" in unknown.err) == (2, True)


def test_a_file_with_a_bad_value_leaves_everything_as_it_was(cli, account, person: Path) -> None:
    (person / "work" / "a.csv").write_text("zip,n\n01234,1\n")
    (person / "work" / "bad.csv").write_text("zip,n\n01234,many\n")
    done(cli("load", "a.csv", "--as", "BAD.S.T", "--column", "zip=VARCHAR"))
    for how in ("--replace", "--append"):
        ran = cli("load", "bad.csv", "--as", "BAD.S.T", "--column", "n=NUMBER", how)
        assert ran.code == 5
        assert "--column" in ran.err
    assert json.loads(done(cli("sql", "SELECT * FROM BAD.S.T", "--format", "json"))) == [{"ZIP": "01234", "N": 1}]
    # A value that is none of its type, of whatever type, is told with the columns and what helps.
    bad = cli("load", "bad.csv", "--as", "D.S.NEVER", "--column", "n=DATE")
    assert (bad.code, "fix: --column NAME=VARCHAR" in bad.err) == (5, True)
    missing = cli("load", "bad.csv", "--as", "D.S.NEVER", "--column", "n=NUMBER")
    assert missing.code == 5
    assert cli("sql", "SELECT * FROM D.S.NEVER").code == 5
    assert cli("load", "a.csv", "--as", "D.S.X", "--column", "zap=VARCHAR").code == 2
    assert cli("load", "a.csv", "--as", "D.S.X", "--column", "zip=VARCHAR) AS SELECT (1").code == 2


@pytest.mark.parametrize(
    "names_of_files",
    [
        ("p.parquet", "lines.jsonl"),
        pytest.param(("array.json", "tabs.tsv", "c.csv.gz"), marks=pytest.mark.slow),
    ],
)
def test_every_kind_of_file(cli, account, person: Path, names_of_files: tuple[str, ...]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    work = person / "work"
    pq.write_table(pa.table({"id": [1, 2], "score": [0.5, None]}), work / "p.parquet")
    (work / "lines.jsonl").write_text('{"id": 1, "score": 0.5}\n{"id": 2, "score": null}\n')
    (work / "array.json").write_text('\n [{"id": 1, "score": 0.5}, {"id": 2}]')
    (work / "tabs.tsv").write_text("id\tscore\n1\t0.5\n2\t\n")
    (work / "c.csv.gz").write_bytes(gzip.compress(b"id,score\n1,0.5\n2,\n"))
    for name in names_of_files:
        table = f"KINDS.PUBLIC.{name.partition('.')[0]}"
        done(cli("load", name, "--as", table))
        rows = json.loads(done(cli("sql", f"SELECT id, score FROM {table} ORDER BY id", "--format", "json")))
        assert rows == [{"ID": 1, "SCORE": 0.5}, {"ID": 2, "SCORE": None}], name


BAD = [
    (b"", "empty.csv", "NEVER.S.T", 2),
    (b"\0\1\2", "binary.parquet", "NEVER.S.T", 5),
    (b"PAR1" + b"\xff" * 64 + b"PAR1", "torn.parquet", "NEVER.S.T", 5),
    (b"a,b\n\xff\xfe,1\n", "latin.csv", "NEVER.S.T", 5),
    (b"not gzip", "x.csv.gz", "NEVER.S.T", 5),
    (b"not gzip", "x.json.gz", "NEVER.S.T", 2),
    (b"a\n1\n", "unknown.xyz", "NEVER.S.T", 2),
    (b"a\n1\n", "a.csv", "ONLY_A_NAME", 2),
    (b"a\n1\n", "a.csv", "D.S.T'; DROP", 2),
    (None, "nowhere.csv", "NEVER.S.T", 2),
]


def test_what_cannot_be_loaded_is_refused_in_a_sentence(cli, account, person: Path) -> None:
    for content, name, table, code in BAD:
        if content is not None:
            (person / "work" / name).write_bytes(content)
        ran = cli("load", name, "--as", table)
        assert ran.code == code, (name, ran.err)
        assert "internal" not in ran.err, name
        # What the target cannot read is told with what helps, by whatever number it says so.
        assert code != 5 or "fix: " in ran.err, (name, ran.err)


def test_sql_tells_each_statement_and_stops_at_the_first_that_is_refused(cli, account, person: Path) -> None:
    file = person / "work" / "setup.sql"
    file.write_text(
        "-- two; statements\nCREATE DATABASE IF NOT EXISTS Q;\n"
        "SELECT 'a;b' AS x, 1 AS a, 2 AS a; /* ; */\nSELECT 1 WHERE FALSE;\n"
    )
    ran = cli("sql", "-f", "setup.sql", "--format", "json")
    first, second, third = json.loads(done(ran))
    assert "Q" in first[0]["status"]
    assert second == [{"X": "a;b", "A": 1, "A_2": 2}]
    assert third == []
    assert done(cli("sql", "SELECT 1 AS N, 2 AS M WHERE FALSE", "--format", "csv")) == "N,M\n"
    stopped = cli("sql", "SELECT 7 AS SEVEN; SELECT * FROM NO.SUCH.TABLE_; SELECT 8 AS EIGHT")
    assert stopped.code == 5
    assert "SEVEN" in stopped.out
    assert "EIGHT" not in stopped.out
    block = cli("sql", "BEGIN\n LET x := 1;\n RETURN x;\nEND;", "--format", "json")
    assert next(iter(json.loads(done(block))[0].values())) in (1, "1")


@pytest.mark.parametrize("text", ["", ";", "-- nothing\n", "/* ; */ ;"])
def test_no_statement_is_no_internal_error(cli, account, text: str) -> None:
    assert cli("sql", text or " ").code == 2


def test_secrets_do_not_leave_by_any_command(cli, account, names, monkeypatch: pytest.MonkeyPatch) -> None:
    room = f"room_{uuid.uuid4().hex[:8]}"
    done(cli("init", "mine", "--name", room, "--provider", names[0], "--runner", names[1]))
    monkeypatch.chdir("mine")
    done(cli("collaboration", "create"))
    done(cli("stage"))
    Path("code/.env").write_text("TOKEN=x\n")
    for words in (["stage"], ["spec", "register"], ["template", "submit"], ["stage", "--dry-run"]):
        ran = cli(*words)
        assert ran.code == 2, words
        assert ".env" in ran.out + ran.err
        assert "--allow-secret .env" in ran.err
    staged = ("sql", f"LIST @ML_DB.PUBLIC.ML_STAGE/{room}", "--format", "json")
    assert [row["name"].rpartition("/")[2] for row in json.loads(done(cli(*staged)))] == ["train.py"]
    done(cli("stage", "--allow-secret", "code/.env"))
    assert ".env" in done(cli(*staged))
    done(cli("spec", "register", "--allow-secret", ".env"))
    Path(".cleanroomignore").write_text("code/.env\n")
    plan = json.loads(done(cli("stage", "--dry-run", "--format", "json")))
    assert [file["path"] for file in plan["files"]] == ["train.py"]
    assert {"path": ".env", "why": ".cleanroomignore of the project: code/.env"} in plan["ignored"]
    assert "removed   .env" in done(cli("stage"))


def test_what_was_put_on_the_stage_past_us_is_not_registered(
    cli, account, names, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code spec's directory is none that `stage` fills from here: the names on the stage are looked at."""
    room = f"room_{uuid.uuid4().hex[:8]}"
    done(cli("init", "mine", "--name", room, "--provider", names[0], "--runner", names[1]))
    monkeypatch.chdir("mine")
    done(cli("stage"))
    Path("id_rsa").write_text("x")
    done(cli("sql", f"PUT file://{Path.cwd()}/id_rsa @ML_DB.PUBLIC.ML_STAGE/elsewhere AUTO_COMPRESS=FALSE"))
    done(cli("sql", f"PUT file://{Path.cwd()}/code/train.py @ML_DB.PUBLIC.ML_STAGE/elsewhere AUTO_COMPRESS=FALSE"))
    spec = Path("code_spec.yaml")
    spec.write_text(spec.read_text().replace(f"ML_STAGE/{room}'", "ML_STAGE/elsewhere'"))
    ran = cli("spec", "register")
    assert ran.code == 2, ran.err
    assert "id_rsa" in ran.err


def test_an_account_that_is_missing_is_named_with_the_command_that_makes_it(cli, account, names) -> None:
    cli("init", "mine", "--name", "r1", "--provider", names[0], "--runner", "nobody_yet")
    missing = cli("collaboration", "create", "mine/collaboration.yaml")
    assert missing.code == 5
    assert "fix: cleanroom-ml account create nobody_yet" in missing.err
    cli("init", "theirs", "--name", "r2", "--provider", names[1], "--runner", names[0])
    other = cli("collaboration", "create", "theirs/collaboration.yaml")
    assert other.code == 11
    assert names[1].upper() in other.err
    assert "fix: cleanroom-ml connection use NAME" in other.err


@pytest.mark.slow
def test_every_file_that_a_command_is_given_may_be_anything(cli, account, names, person: Path, monkeypatch) -> None:
    """Missing, a directory, empty, binary, a pipe without a writer, nested without end: a sentence and an exit code."""
    cli("init", "mine", "--name", "anything", "--provider", names[0], "--runner", names[1])
    monkeypatch.chdir("mine")
    Path("directory.yaml").mkdir()
    Path("empty.yaml").write_bytes(b"")
    Path("binary.yaml").write_bytes(bytes(range(256)) * 64)
    Path("nested.yaml").write_bytes(b"[" * 100_000)
    Path("list.yaml").write_bytes(b"- 1\n- 2\n")
    Path("number.yaml").write_bytes(b"7\n")
    os.mkfifo("pipe.yaml")
    kinds = ("missing", "directory", "empty", "binary", "nested", "list", "number", "pipe")
    commands = (
        ["validate"], ["spec", "register"], ["spec", "diff"], ["template", "register"], ["template", "submit"],
        ["offering", "register"], ["offering", "link"], ["collaboration", "create"], ["sql", "-f"],
        ["stage", "--to", "A.B.C/d"], ["stage", "--dry-run"], ["load", "--as", "A.B.C"],
    )  # fmt: skip
    for kind in kinds:
        for command in commands:
            ran = cli(*command, f"{kind}.yaml")
            harmless = command[0] in ("stage",) and kind == "directory"
            assert ran.code in ((0, 2) if harmless else (1, 2, 5)), (command, kind, ran)
            assert "internal error" not in ran.err, (command, kind, ran.err)
            assert "Traceback" not in ran.err, (command, kind, ran.err)
