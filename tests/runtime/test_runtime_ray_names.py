"""Names of stages and tables, as scripts write them, as SQL."""

from __future__ import annotations

import pytest

from cleanroom_ml.runtime.raydata.names import stage_path, table_name


@pytest.mark.parametrize(
    ("location", "database", "schema", "expected"),
    [
        ("@images", None, None, "@images/"),
        ("REVIEWS", None, None, "@REVIEWS/"),
        ("@images/cropped/", "ST_DB", "ST_SCHEMA", "@ST_DB.ST_SCHEMA.images/cropped/"),
        ("@images/a b", '"my db"', "s", '@"my db".s.images/a b'),
        ("@images", "my-db", "s", '@"my-db".s.images/'),
        ('@db.s."my/stage"/x', None, None, '@db.s."my/stage"/x'),
        ("@db.s.images/x", "OTHER", "s", "@db.s.images/x"),
        ("@images", None, "s", "@s.images/"),
    ],
)
def test_a_stage_is_found_where_the_script_says(
    location: str, database: str | None, schema: str | None, expected: str
) -> None:
    assert str(stage_path(location, database, schema)) == expected


@pytest.mark.attack
@pytest.mark.parametrize("location", ["", "@", "@s/x'; DROP TABLE t; --", "@s/a\\", "@s/a\nb", "@s x", "@a.b.c.d/x"])
def test_what_is_no_stage_is_said(location: str) -> None:
    with pytest.raises(ValueError, match="names no stage; write @STAGE_NAME/path"):
        stage_path(location)


def test_a_table_is_of_the_session_unless_the_script_says_more() -> None:
    assert table_name("scores") == ("scores",)
    assert table_name("cleanroom.scores") == ("cleanroom", "scores")
    assert table_name("scores", schema="CLEANROOM") == ("CLEANROOM", "scores")
    assert table_name("scores", '"SFDCR_vault"', "CLEANROOM") == ('"SFDCR_vault"', "CLEANROOM", "scores")
    assert table_name('"my table"') == ('"my table"',)
    with pytest.raises(ValueError, match="without a schema"):
        table_name("scores", "DB")


@pytest.mark.attack
@pytest.mark.parametrize("name", ["", "a b", "a; DROP TABLE t", "a.b.c.d", '"a', "a(b)/"])
def test_what_is_no_table_is_said(name: str) -> None:
    with pytest.raises(ValueError, match="is no name of a table"):
        table_name(name)
