"""A name is anybody's to take: another account's room of the same name gets nothing."""

from __future__ import annotations

import shutil

import pytest
from e2e_parties import Pair, Party

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def claimed(new_project) -> tuple[Pair, Party]:
    """Mallory has made a room of the name that publisher and advertiser agreed on, and invites both."""
    pair = new_project("claimed")
    mallory = Party(pair.root / "mallory", pair.person)
    mallory.directory.mkdir()
    for name in ("cleanroom.yaml", "collaboration.yaml"):
        shutil.copy(pair.publisher.directory / name, mallory.directory / name)
    mallory.edit("collaboration.yaml", "owner: publisher\n", "owner: mallory\n")
    known = "  publisher: LOCAL.PUBLISHER\n"
    mallory.edit("collaboration.yaml", known, f"{known}  mallory: LOCAL.MALLORY\n")
    pair.publisher.quickly("account", "create", "mallory")
    mallory.quickly("connection", "use", "mallory")
    mallory.quickly("collaboration", "create")
    return pair, mallory


def owners(party: Party) -> dict[str, str]:
    """Owners of the rooms of that name, by the name that they have in this account (or '')."""
    rows = party.quickly("collaboration", "list", "--format", "json").json
    return {row["owner"]: row["name"] or "" for row in rows if row["source_name"] == "claimed"}


@pytest.mark.attack
def test_another_accounts_room_is_not_joined_for_the_owners(claimed) -> None:
    pair, _ = claimed
    refused = pair.advertiser.quickly("collaboration", "join", code=11)
    assert "its owner is LOCAL.MALLORY" in refused.err
    assert owners(pair.advertiser) == {"LOCAL.MALLORY": ""}
    pair.advertiser.edit("cleanroom.yaml", "owner: LOCAL.PUBLISHER\n", "")
    asked = pair.advertiser.quickly("collaboration", "join", code=2)
    assert "owned by LOCAL.MALLORY" in asked.err
    assert "--owner LOCAL.MALLORY" in asked.err
    assert owners(pair.advertiser) == {"LOCAL.MALLORY": ""}
    pair.advertiser.edit(
        "cleanroom.yaml", "collaboration: claimed\n", "collaboration: claimed\nowner: LOCAL.PUBLISHER\n"
    )


@pytest.mark.attack
def test_the_owner_makes_its_own_and_the_other_finds_it(claimed) -> None:
    pair, _ = claimed
    assert "claimed: created, JOINED" in pair.publisher.quickly("collaboration", "create").out
    assert owners(pair.publisher) == {"LOCAL.MALLORY": "", "LOCAL.PUBLISHER": "claimed"}
    assert "claimed: there already" in pair.publisher.quickly("collaboration", "create").out
    pair.advertiser.quickly("collaboration", "join")
    assert owners(pair.advertiser) == {"LOCAL.MALLORY": "", "LOCAL.PUBLISHER": "claimed"}
    pair.publisher.quickly("offering", "link")
    pair.submit()
    pair.approve("train")


@pytest.mark.attack
def test_who_has_joined_the_wrong_one_gives_it_nothing(claimed, new_project) -> None:
    """The publisher was invited by Mallory first and took that for its own; its spec says otherwise."""
    _, mallory = claimed
    pair = new_project("mistaken")
    for name in ("cleanroom.yaml", "collaboration.yaml"):
        text = (mallory.directory / name).read_text().replace("claimed", "mistaken")
        (mallory.directory / name).write_text(text)
    mallory.quickly("collaboration", "create")
    for party in (pair.publisher, pair.advertiser):
        kept = {path: path.read_text() for path in party.directory.glob("c*.yaml")}
        for path in kept:
            path.unlink()
        party.quickly("collaboration", "join", "mistaken", "--owner", "LOCAL.MALLORY")
        for path, text in kept.items():
            path.write_text(text)
    pair.publisher.quickly("stage")
    sent: list[str] = []
    for words in ("collaboration create", "offering link", "template submit"):
        assert "LOCAL.MALLORY" in pair.publisher.quickly(*words.split(), code=11, statements=sent).err
    for words in ("collaboration join", "offering link"):
        assert "LOCAL.MALLORY" in pair.advertiser.quickly(*words.split(), code=11, statements=sent).err
    called = {sql.split("COLLABORATION.", 1)[1].split("(")[0] for sql in sent if "COLLABORATION." in sql}
    assert not called & {"INITIALIZE", "LINK_DATA_OFFERING", "ADD_TEMPLATE_REQUEST", "JOIN", "REVIEW"}


@pytest.mark.attack
def test_what_joining_would_approve_is_shown_and_asked_for(new_project) -> None:
    """The owner's spec lists a template; who joins had approved it without having seen a word of it."""
    pair = new_project("listed")
    pair.publisher.edit("activate.yaml", "audience_rank <=", "/* unseen */ audience_rank <=")
    pair.publisher.edit(
        "collaboration.yaml",
        "    activation_destinations:",
        "    templates: [{id: activate_listed1}]\n    activation_destinations:",
    )
    pair.publisher.quickly("template", "register", "activate.yaml")
    pair.publisher.quickly("collaboration", "create")
    asked = pair.advertiser.quickly("collaboration", "join", code=2)
    assert "/* unseen */" in asked.err
    assert "LOCAL.PUBLISHER, here publisher: owner, requester" in asked.err
    assert "--yes" in asked.err
    statuses = pair.advertiser.quickly("collaboration", "status", "--format", "json").json
    assert [row["status"] for row in statuses if row["collaborator"] == "advertiser"] == ["IN_REVIEW"]
    pair.advertiser.quickly("collaboration", "join", "--yes")
    rows = pair.advertiser.quickly("requests", "--all", "--format", "json").json
    assert [(row["template_id"], row["status"]) for row in rows] == [("activate_listed1", "COMPLETED")]
