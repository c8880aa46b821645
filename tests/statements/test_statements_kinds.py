"""The records of statement kinds: each statement has one, and what it says is what the engine does."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
from statements_client import Client

from cleanroom_ml.engine.contracts import table
from cleanroom_ml.engine.contracts.records import records_of
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read import create, registry
from cleanroom_ml.engine.sql.read.statement import Statement
from cleanroom_ml.engine.statements import policy, results
from cleanroom_ml.engine.statements.kind import Allowed, Kind
from cleanroom_ml.engine.statements.registry import kind_of, listings, object_kinds, statement_kinds

# What a job and a template may send, written down a second time: whoever allows them more says so here as well.
IN_TEMPLATES = (
    "AlterTable Begin Block Commit CopyInto CreateFileFormat CreateStage CreateTable Delete Describe Drop InferSchema"
    " Insert ListFiles Merge Query Remove Rollback Show Truncate Update"
)
OF_JOBS = "AlterSession Get Immediate Pipe Put SetVariable UnsetVariable Use"


def nodes(base: type[Statement] = Statement) -> Iterator[type[Statement]]:
    """Those that stand in a module of ours: a dataclass with slots leaves the class behind that it was made from."""
    for node in base.__subclasses__():
        if getattr(sys.modules[node.__module__], node.__name__, None) is node and node is not Unheard:
            yield node
            yield from nodes(node)


def names(allowed: Allowed) -> set[str]:
    return {node.__name__ for node, kind in statement_kinds().items() if kind.allowed is allowed}


def test_every_statement_that_is_read_has_a_record() -> None:
    registry.forms()
    assert set(nodes()) - {create.CreateObject} == set(statement_kinds())


def test_every_kind_of_object_that_is_read_has_a_record_and_the_same_verbs() -> None:
    read = {form.name: form for form in registry.objects()}
    assert read.keys() == object_kinds().keys()
    assert {name for name, form in read.items() if form.drop} == {
        name for name, kind in object_kinds().items() if kind.drop is not None
    }
    assert listings().keys() <= {" ".join(words) for words in registry.displayed()}
    assert {" ".join(form.displayed) for form in read.values()} <= listings().keys()


def test_what_rooms_allow() -> None:
    assert names(Allowed.TEMPLATE) == set(IN_TEMPLATES.split())
    assert names(Allowed.JOB) == set(OF_JOBS.split())
    in_room = {name for name, kind in object_kinds().items() if kind.room_drops}
    assert in_room == {"TABLE", "STAGE", "FILE FORMAT"}
    assert {name for name, kind in object_kinds().items() if kind.room_describes} == {"TABLE", "VIEW", "STAGE"}
    assert {name for name, listing in listings().items() if listing.in_room} == {
        *("TABLES", "VIEWS", "OBJECTS", "COLUMNS", "STAGES", "FILE FORMATS", "PARAMETERS", "VARIABLES")
    }


@dataclass(frozen=True, slots=True)
class Unheard(Statement):
    pass


def test_a_record_that_says_nothing_allows_accounts_only(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SqlError, match="UNHEARD"):
        kind_of(Unheard())
    silent = Kind(Unheard, lambda work, statement: results.success())
    monkeypatch.setattr(policy, "kind_of", lambda statement: silent)
    policy.check(Unheard(), restricted=False)
    with pytest.raises(SqlError, match="UNHEARD in a clean room"):
        policy.check(Unheard(), restricted=True)
    with pytest.raises(SqlError, match="UNHEARD in a template"):
        policy.check_template(Unheard())


def test_records_are_found_and_strays_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "found_kinds").mkdir()
    (tmp_path / "found_kinds" / "__init__.py").write_text("")
    (tmp_path / "found_kinds" / "one.py").write_text("NUMBERS = (1, 2)\nWORDS = (1,)")
    (tmp_path / "found_kinds" / "two.py").write_text("NUMBERS = (3,)")
    monkeypatch.syspath_prepend(tmp_path)
    package: ModuleType = __import__("found_kinds")
    assert records_of(package, "NUMBERS", int) == (1, 2, 3)
    with pytest.raises(TypeError, match="no str"):
        records_of(package, "WORDS", str)


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("DESCRIBE TABLE information", table.DESCRIBE),
        ("LIST @~", table.LIST),
        ("ROLLBACK", table.TRANSACTION),
        ("USE SCHEMA public", table.DDL),
        ("PUT file:///x @~", table.PUT),
        ("GET @~ file:///x", table.GET),
    ],
)
def test_the_wire_gets_the_records_type(alpha: Client, text: str, wire: int) -> None:
    alpha.result("CREATE TABLE information (a INT)")
    assert results.statement_type(alpha.result(text)) == wire


@pytest.mark.sandbox
def test_the_commit_before_a_ddl_is_not_its_outcome(alpha: Client) -> None:
    """A DDL commits what is open, and may fail after that: the client is told so, also when it asks again."""
    alpha.result("CREATE TABLE t (a INT)")
    alpha.result("BEGIN")
    alpha.result("INSERT INTO t VALUES (1)")
    query_id = str(uuid.uuid4())
    alpha.storage.queries.start(query_id, alpha.session.id, str(uuid.uuid4()), "hash")
    with pytest.raises(SqlError, match="already exists"):
        alpha.result("CREATE TABLE t (b INT)", query_id=query_id)
    record = alpha.storage.queries.get(query_id)
    assert record is not None
    assert record.state != "SUCCESS"
    assert alpha.rows("SELECT a FROM t") == [(1,)]
