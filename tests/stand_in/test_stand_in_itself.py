"""The stand-in refuses what it does not know, so that a flow that ends well against it has asked for nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from stand_in_shapes import DOCUMENTED, FIELD, UNKNOWN, Shape
from stand_in_values import arguments
from stand_in_wire import Address
from stand_in_world import Room, Session, World

ROOM = "SAMOOHA_BY_SNOWFLAKE_LOCAL_DB"
ANALYSIS = "api_version: 2.0.0\nspec_type: analysis\ntemplate: t_V1\n"
ACTION = "api_version: 2.0.0\nspec_type: ml_job_action\njob_id: j\naction: get_logs\n"


def asked(sql: str, tmp_path: Path, shape: Shape = DOCUMENTED) -> tuple[str, str]:
    """The number and the text of a refusal; nothing where it was answered."""
    world = World(shape)
    session = Session(world.account("ACME-PUBLISHER"), "ADA")
    spec = {"owner": "p", "collaborator_identifier_aliases": {"p": "ACME.PUBLISHER"}, "analysis_runners": {}}
    world.rooms.append(Room("r", "ACME.PUBLISHER", spec, path={"p": ["JOINED"]}))
    answer = Address(world, tmp_path).query(session, sql)
    return (answer["code"] or "", answer["message"] or "")


@pytest.mark.parametrize(
    ("sql", "code", "said"),
    [
        (f"CALL {ROOM}.COLLABORATION.DESCRIBE_REQUEST('r')", "002141", "Unknown user-defined function"),
        ("CALL CLEANROOM_ML.JOBS.LIST('r', 20)", "002141", "Unknown user-defined function"),
        (f"CALL {ROOM}.COLLABORATION.GET_STATUS('r', TRUE)", "002141", "Unknown user-defined function"),
        ("SHOW PROCEDURES IN DATABASE CLEANROOM_ML", "002043", "does not exist"),
        ("DELETE FROM T", "001003", "syntax error"),
        (f"CALL {ROOM}.COLLABORATION.RUN('r', $${ANALYSIS}receipt: x\n$$)", "100357", "Extra inputs"),
        (f"CALL {ROOM}.COLLABORATION.RUN_ML_JOB_ACTION('r', $${ACTION}offset: 1\n$$)", "100357", "Extra inputs"),
        (f"CALL {ROOM}.COLLABORATION.JOIN('r')", "100357", "SecondaryRolesNotSupported"),
        (f"CALL {ROOM}.COLLABORATION.GET_STATUS('other')", "100357", "CollaborationNotFoundException"),
        (f"CALL {ROOM}.COLLABORATION.GET_STATUS('r')", "", ""),
    ],
)
def test_what_is_not_documented_is_refused_as_snowflake_does(tmp_path: Path, sql: str, code: str, said: str) -> None:
    found = asked(sql, tmp_path)
    assert found[0] == code
    assert said in found[1]


@pytest.mark.parametrize(
    ("shape", "form"),
    [(FIELD, "navlib.app.collaboration.exceptions.Secondary"), (UNKNOWN, "Exception: **FAILURE**: Received error")],
)
def test_errors_come_in_the_two_traceback_forms(tmp_path: Path, shape: Shape, form: str) -> None:
    """service-behaviour, "Errors as they arrive"."""
    text = asked(f"CALL {ROOM}.COLLABORATION.JOIN('r')", tmp_path, shape)[1]
    assert form in text
    assert text.startswith("Python Interpreter Error:\nTraceback (most recent call last):\n")
    assert text.endswith("\n in function JOIN with handler main")


def test_arguments_are_read_as_they_are_written() -> None:
    text = r"""'it''s', 'a\'b\\', $$two
lines 'and' all$$, ['x', 'y'], {'k': [1, 2.5], 'n': NULL}, TRUE, -3"""
    assert arguments(text) == [
        "it's", "a'b\\", "two\nlines 'and' all", ["x", "y"], {"k": [1, 2.5], "n": None}, True, -3,
    ]  # fmt: skip
