"""A policy filter is asked of whoever owns the column: category x filter x how the view comes in x alias."""

from __future__ import annotations

import itertools
import json
import sys
from typing import Any

import pytest
from rooms_world import HASH, JOB_TEMPLATE, OFFERING, SQL_TEMPLATE, World, request_id
from test_rooms_runs import BODY, refused

from cleanroom_ml.engine.rooms import catalog, policies, render_worker, views
from cleanroom_ml.engine.rooms.column_guard import ColumnGuard
from cleanroom_ml.engine.sql.errors import SqlError

THEIRS = "pub.guarded_v1.customers"
MINE = "adv.open_v1.people"
LOCAL = "adv.local_v1.people"
# What the provider exposes: a join column, one that may be seen, one that may leave, and a time.
GUARDED = OFFERING.replace("name: sales", "name: guarded").replace(
    "      city: {category: passthrough}",
    "      city: {category: passthrough}\n"
    "      spend: {category: passthrough, activation_allowed: true}\n"
    "      seen: {category: timestamp}",
)
# Columns of the same names in the runner's own data, which allow what the provider's forbid.
OPEN = """
api_version: 2.0.0
spec_type: data_offering
name: open
version: v1
datasets:
  - alias: people
    data_object_fqn: DATA.PUBLIC.PEOPLE
    allowed_analyses: template_only
    schema_and_template_policies:
      hashed_email_sha256: {category: passthrough, activation_allowed: true}
      city: {category: join_custom, activation_allowed: true}
      spend: {category: join_custom}
      timestamp: {category: join_custom, activation_allowed: true}
"""
# For each filter, the provider's columns that it refuses and the runner's own of the same name would let pass.
FORBIDDEN = [
    ("column_policy", "HASHED_EMAIL_SHA256"),
    ("join_policy", "CITY"),
    ("join_policy", "SPEND"),
    ("join_policy", "TIMESTAMP"),
    ("activation_policy", "CITY"),
    ("activation_policy", "TIMESTAMP"),
]
ALLOWED = [
    ("join_policy", "HASHED_EMAIL_SHA256"),
    ("column_policy", "CITY"),
    ("column_policy", "TIMESTAMP"),
    ("activation_policy", "HASHED_EMAIL_SHA256"),
    ("activation_policy", "SPEND"),
    ("join_and_column_policy", "HASHED_EMAIL_SHA256"),
    ("join_and_column_policy", "SPEND"),
]
# The body of every template of the matrix in one: its arguments stand for what different authors write.
FILTERED = "".join(
    f"{{% if filter == '{name}{how}' %}}{text}{{% endif %}}"
    for name in policies.FILTERS
    for how, text in (
        ("", f"IDENTIFIER({{{{ column | {name} }}}})"),
        (" spliced", f"{{{{ column | sqlsafe | {name} }}}}"),
    )
)
VIEWS = (
    "{% if way == 'source' %}IDENTIFIER({{ source_table[0] }})"
    "{% elif way == 'local' %}IDENTIFIER({{ my_table[0] }})"
    "{% elif way == 'subquery' %}(SELECT * FROM IDENTIFIER({{ audience }}))"
    "{% else %}IDENTIFIER({{ audience }}){% endif %} {{ alias | sqlsafe }}"
)
PRESET = f"SELECT MIN({FILTERED}) AS M FROM IDENTIFIER({{{{ preset_tables.fixed }}}}) {{{{ alias | sqlsafe }}}}"
MATRIX = f"SELECT MIN({FILTERED}) AS M FROM {VIEWS}{{{{ also | default('') | sqlsafe }}}}"


def template(name: str, body: str, *, presets: bool = False) -> str:
    spec = SQL_TEMPLATE.replace(BODY, "template: |\n  " + body).replace("name: count", f"name: {name}")
    fixed = f"preset_tables: [{{alias: fixed, template_view_name: {THEIRS}}}]\ntemplate:"
    return spec.replace("template: |", f"{fixed} |") if presets else spec


def add(world: World, name: str, body: str, *, presets: bool = False) -> None:
    world.publisher.call("REGISTER_TEMPLATE", template(name, body, presets=presets))
    world.publisher.call("ADD_TEMPLATE_REQUEST", "lookalike", f"{name}_v1", ["adv"])
    world.advertiser.call("APPROVE_UPDATE_REQUEST", "lookalike", request_id(world.advertiser))


@pytest.fixture
def shared(joined: World) -> World:
    when = "2026-01-01"
    theirs = {"EMAIL_HASH": [HASH], "CITY": ["theirs"], "SPEND": ["theirs"], "SEEN": [when]}
    mine = {"HASHED_EMAIL_SHA256": ["mine"], "CITY": ["mine"], "SPEND": ["mine"], "TIMESTAMP": ["mine"]}
    joined.table("PUBLISHER", "CUSTOMERS", theirs)
    joined.table("ADVERTISER", "PEOPLE", mine)
    joined.publisher.call("REGISTER_DATA_OFFERING", GUARDED)
    joined.publisher.call("LINK_DATA_OFFERING", "lookalike", "guarded_v1", ["adv"])
    joined.advertiser.call("REGISTER_DATA_OFFERING", OPEN)
    joined.advertiser.call("LINK_DATA_OFFERING", "lookalike", "open_v1", ["adv"])
    joined.advertiser.call("REGISTER_DATA_OFFERING", OPEN.replace("name: open", "name: local"))
    joined.advertiser.call("LINK_LOCAL_DATA_OFFERING", "lookalike", "local_v1")
    add(joined, "matrix", MATRIX)
    add(joined, "fixed", PRESET, presets=True)
    return joined


def asked(world: World, way: str, alias: str, name: str, column: str, **options: Any) -> Any:
    """What the matrix' template gives for one cell of it."""
    sources = options.pop("sources", [MINE])
    mappings = f"source_tables: [{', '.join(sources)}]" + ("" if way == "preset" else f", audience: {THEIRS}")
    which = {} if way == "preset" else {"way": way}
    arguments = {"filter": name, "column": column, "alias": alias, **which, **options}
    listed = "\n".join(f"    {key}: '{value}'" for key, value in arguments.items())
    spec = (
        f"api_version: 2.0.0\nspec_type: analysis\ntemplate: {'fixed' if way == 'preset' else 'matrix'}_v1\n"
        f"template_configuration:\n  view_mappings: {{{mappings}}}\n"
        f"  local_view_mappings: {{my_tables: [{LOCAL}]}}\n  arguments:\n{listed}\n"
    )
    return world.advertiser.call("RUN", "lookalike", spec)[0]["M"]


WAYS = ["mapped", "preset", "subquery"]
# What the template's author calls the provider's view, and what the runner writes before the column.
ALIASES = [("p", "p."), ("AS P1", "P1."), ("c", "c."), ("c1", '"C1".'), ('"C"', "C."), ("c", ""), ("", "")]
RAW = {HASH, "theirs", "2026-01-01"}


CELLS = [
    (way, alias, name, column)
    for way, alias, (name, column) in itertools.product(WAYS, ALIASES, FORBIDDEN)
    if way != "subquery" or alias[0]
]


def all_refused(world: World, cells: list[tuple[str, tuple[str, str], str, str]]) -> None:
    leaked = []
    for way, (alias, prefix), name, column in cells:
        with pytest.raises(SqlError, match=r"^PolicyViolationError"):
            leaked.append((way, alias, name, column, asked(world, way, alias, name, prefix + column)))


@pytest.mark.sandbox
@pytest.mark.attack
@pytest.mark.slow
def test_no_cell_of_the_matrix_is_a_way_around(shared: World) -> None:
    all_refused(shared, CELLS)


@pytest.mark.sandbox
@pytest.mark.attack
def test_no_way_in_and_no_alias_is_a_way_around(shared: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The runner brings the view in beside a source table of its own that allows what the provider forbids."""
    all_refused(shared, CELLS[::5])  # every way, alias and column is among them
    for prefix in ("p.", ""):
        with pytest.raises(SqlError, match=r"^PolicyViolationError"):
            asked(shared, "mapped", "p", "column_policy spliced", prefix + "hashed_email_sha256")
    monkeypatch.setattr(ColumnGuard, "on_alias", lambda *_: None)
    for way, alias in zip(WAYS, "pcp", strict=True):
        assert asked(shared, way, alias, "column_policy", f"{alias}.HASHED_EMAIL_SHA256") == HASH, "nobody was asked"


@pytest.mark.sandbox
@pytest.mark.attack
def test_an_alias_in_another_case_or_none_at_all_names_nothing(shared: World) -> None:
    """DuckDB takes `C` for `c`, and `c.x` for a field of a column `c`: both would be columns of somebody else's."""
    for alias, column in (('"c"', "c.CITY"), ('"p"', "p.CITY"), ("x", "c.CITY"), ("", "c.HASHED_EMAIL_SHA256")):
        with pytest.raises(SqlError):
            asked(shared, "mapped", alias, "activation_policy", column)


@pytest.mark.sandbox
def test_what_is_allowed_goes_on_working(shared: World) -> None:
    for (name, column), alias, spliced in zip(ALLOWED, ["p", "P1"] * 4, ["", " spliced"] * 4, strict=False):
        found = asked(shared, "source", alias, name + spliced, f"{alias}.{column}", sources=[THEIRS])
        assert str(found) in RAW, (alias, name, column)
    # The runner's own: as a source table by its own offering, as a local one unchecked, and beside the provider's view.
    assert asked(shared, "source", "p", "join_policy", "p.CITY") == "mine"
    assert asked(shared, "local", "c", "join_policy", "c.city") == "mine"
    assert asked(shared, "local", "c", "column_policy spliced", "c.HASHED_EMAIL_SHA256") == "mine"
    # Where two tables part over a column, its alias says which of them is asked.
    both = {"sources": [THEIRS, MINE], "also": ", IDENTIFIER('" + MINE + "') p2"}
    both["also"] = both["also"].replace("'", "''")
    assert asked(shared, "source", "p1", "column_policy", "p1.CITY", **both) == "theirs"
    assert asked(shared, "source", "p1", "join_policy", "p2.CITY", **both) == "mine"
    for column in ("p1.CITY", "CITY"):
        with pytest.raises(SqlError, match="not in the join policy"):
            asked(shared, "source", "p1", "join_policy", column, **both)
    # Mapped by an argument and named without an alias, the provider's own policy is what counts.
    assert asked(shared, "mapped", "", "column_policy", "city", sources=[]) == "theirs"


@pytest.mark.sandbox
@pytest.mark.attack
def test_the_short_form_of_run_and_blocks_are_asked_too(shared: World) -> None:
    add(
        shared,
        "block",
        "BEGIN CREATE OR REPLACE TABLE cleanroom.kept AS SELECT {{ c | sqlsafe | column_policy }} AS M"
        " FROM IDENTIFIER({{ source_table[1] }}) AS p; RETURN 'kept'; END;",
    )
    add(
        shared,
        "later",
        "BEGIN CREATE OR REPLACE TABLE cleanroom.kept AS SELECT * FROM IDENTIFIER({{ source_table[1] }}) AS x;"
        " CREATE OR REPLACE TABLE cleanroom.told AS"
        " SELECT IDENTIFIER({{ c | column_policy }}) AS M FROM cleanroom.kept p;"
        " RETURN 'told'; END;",
    )
    add(
        shared,
        "changing",
        "BEGIN CREATE OR REPLACE TABLE cleanroom.kept AS SELECT * FROM IDENTIFIER({{ source_table[1] }}) AS x;"
        " START TRANSACTION; {{ how | sqlsafe }} {{ c | sqlsafe | column_policy }} {{ end | sqlsafe }}; COMMIT;"
        " RETURN 'told'; END;",
    )
    changes = (
        ("UPDATE cleanroom.kept p SET CITY =", ""),
        ("DELETE FROM cleanroom.kept p WHERE 'x' =", ""),
        ("INSERT INTO cleanroom.kept (CITY) SELECT", "FROM cleanroom.kept p"),
        (
            "MERGE INTO cleanroom.kept t USING cleanroom.kept p ON t.CITY = p.CITY WHEN MATCHED THEN UPDATE SET CITY =",
            "",
        ),
    )
    cells = [("block_v1", "", ""), ("later_v1", "", ""), *(("changing_v1", *change) for change in changes)]
    for name, how, end in cells:
        arguments = {"c": "p.HASHED_EMAIL_SHA256", **({"how": how, "end": end} if how else {})}
        message = refused(shared.advertiser, "RUN", "lookalike", name, [MINE, THEIRS], [], arguments)
        assert message.startswith("PolicyViolationError"), (name, how)
    shared.advertiser.call("RUN", "lookalike", "block_v1", [THEIRS, THEIRS], [], {"c": "p.CITY"})


POLICIES = {"join": ["EMAIL"], "column": ["CITY"], "activation": []}
OWN = {"join": ["CITY"], "column": ["EMAIL", "OTHER"], "activation": ["EMAIL", "CITY"]}


@pytest.mark.parametrize(
    "value",
    [
        " p.email",
        "p.email ",
        "p.email--",
        "p/**/.email",
        "p.email, p.secret",
        "p.ｅmail",
        "p.emaıl",
        "ｐ.email",
        '"p".email',
        'p."email"',
        '"p.email"',
        "x.p.email",
        "p.",
        ".email",
        "",
        "p.*",
        "*",
        "$1",
        "p.email::varchar",
        "email\n",
        None,
        7,
        ["p.email"],
        {"p": "email"},
    ],
)
def test_what_is_no_name_of_one_column_passes_no_filter(value: Any) -> None:
    for name in policies.FILTERS:
        answer = render_worker.handle(
            {
                "template": f"{{{{ c | {name} }}}}",
                "variables": {"c": value},
                "tables": [{"join": ["EMAIL"], "column": ["EMAIL"], "activation": ["EMAIL"]}],
            }
        )
        assert answer.get("error", {}).get("name") in ("PolicyViolationError", "TemplateRenderError"), answer


@pytest.mark.parametrize(
    ("value", "uses"),
    [
        ("c.city", ["C", "CITY", False, True]),  # a provider allows it, and nobody forbids it
        ("c.email", ["C", "EMAIL", True, False]),  # c may stand for the provider's
        ('c."email"', ["C", "email", True, False]),  # which is the same to DuckDB where columns are not known
        ("p.email", ["P", "EMAIL", True, False]),  # source_table[0] is the runner's own, and p may not be
        ("c.other", ["C", "OTHER", False, False]),
        ("other", ["", "OTHER", False, False]),  # the runner's own says so, and no provider
    ],
)
def test_what_an_alias_has_to_answer_for_is_passed_on(value: str, uses: list[object]) -> None:
    answer = render_worker.handle(
        {"template": "{{ c | column_policy }}", "variables": {"c": value}, "tables": [OWN], "providers": [POLICIES]}
    )
    assert [list(use[1:]) for use in answer["uses"]] == [uses]


@pytest.mark.sandbox
@pytest.mark.attack
def test_a_job_reads_every_view_so_every_owner_is_asked(
    submitted: World, shared: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the arguments of a job name has no alias in any statement: nobody's permission stands for another's."""
    for kind, name in (("WAREHOUSE", "COMPUTE_WH"), ("COMPUTE POOL", "ML_POOL")):
        shared.storage.warehouses.grant_usage("ADVERTISER", kind, name, "SFDCR_LOOKALIKE")  # type: ignore[arg-type]
    text = JOB_TEMPLATE.replace("name: train", "name: chosen").replace(
        "ARRAY_CONSTRUCT({{ source_table[0] }})", "{{ c | column_policy }}"
    )
    text = text.replace("parameters:\n", "parameters:\n  - {name: c}\n  - {name: audience}\n")
    shared.publisher.call("REGISTER_TEMPLATE", text)
    shared.publisher.call("ADD_TEMPLATE_REQUEST", "lookalike", "chosen_v1", ["adv"])
    shared.advertiser.call("APPROVE_UPDATE_REQUEST", "lookalike", request_id(shared.advertiser))

    def ask(column: str) -> str:
        arguments = {"compute_pool": "ml_pool", "c": column}
        spec = {"source_tables": [MINE], "audience": THEIRS}
        text = json.dumps({"view_mappings": spec, "arguments": arguments})
        return str(
            shared.advertiser.value(
                "RUN",
                "lookalike",
                f"api_version: 2.0.0\nspec_type: analysis\ntemplate: chosen_v1\ntemplate_configuration: {text}\n",
            )
        )

    for column in ("p.HASHED_EMAIL_SHA256", "c.HASHED_EMAIL_SHA256", "HASHED_EMAIL_SHA256"):
        with pytest.raises(SqlError, match=r"^PolicyViolationError"):
            ask(column)
    assert shared.jobs.requests == {}
    monkeypatch.setattr(ColumnGuard, "refuse_all", lambda _: None)
    assert ask("c.HASHED_EMAIL_SHA256") in shared.jobs.requests


@pytest.mark.sandbox
@pytest.mark.attack
def test_local_is_the_runners_own_data_and_nobody_elses(shared: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """service-behaviour, "Data grants": a local dataset is `LOCAL.<offering id>.<dataset>` where people have run it,
    `<alias>.…` in the documentation: both are taken, for what the runner has linked for itself.
    """

    def asked_of(name: str, **options: Any) -> Any:
        monkeypatch.setattr(sys.modules[__name__], "LOCAL", name)
        return asked(shared, "local", "c", "join_policy", "c.city", **options)

    assert asked_of("LOCAL.local_v1.people") == asked_of("adv.local_v1.people") == "mine"
    for name in ("LOCAL.guarded_v1.customers", "LOCAL.open_v1.people"):
        with pytest.raises(SqlError, match=r"^DataProviderWithoutDataOffering"):
            asked_of(name)
    with pytest.raises(SqlError, match=r"^CollaboratorAliasNotFoundInCollaboration"):
        asked_of("adv.local_v1.people", sources=["LOCAL.local_v1.people"])
    for room in (views, catalog):
        monkeypatch.setattr(room, "is_linked", lambda *_: True)
    assert asked_of("LOCAL.open_v1.people") == "mine", "nobody asked what was linked"
