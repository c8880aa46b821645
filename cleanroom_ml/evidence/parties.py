"""Whose a request is: the accounts that take part in what would be approved, and as what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cleanroom_ml.errors import HashMismatchError

OWNER = "owner"
REQUESTER = "requester"
RUNNER = "analysis_runner"
PROVIDER = "data_provider"
DESTINATION = "activation_destination"
ROLES = (OWNER, REQUESTER, RUNNER, PROVIDER, DESTINATION)
_ONE_OF_EACH = (OWNER, REQUESTER)


@dataclass(frozen=True, slots=True)
class Party:
    """One account. `account` is its identity, `ORG.ACCOUNT`; `alias` is what the template's text calls it by."""

    account: str
    alias: str
    roles: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """As a request carries it."""
        return {"account": self.account, "alias": self.alias, "roles": list(self.roles)}


def parties_of(request: Mapping[str, object]) -> tuple[Party, ...]:
    """The parties that a request names, as APPROVALS.DESCRIBE_REQUEST shows them.

    Raises:
        HashMismatchError: it does not say whose it is, or contradicts itself.
    """
    listed = request.get("parties")
    if not request.get("room") or not isinstance(listed, list) or not listed:
        raise HashMismatchError(
            "the request does not say whose it is",
            why="it names no accounts: it was sent before requests carried them",
            fix="whoever sent it: cleanroom-ml template withdraw, then cleanroom-ml template submit",
        )
    try:
        parties = tuple(
            Party(str(each["account"]), str(each["alias"]), tuple(str(role) for role in each["roles"]))
            for each in listed
        )
    except (TypeError, KeyError):
        raise HashMismatchError("the parties of the request cannot be read") from None
    _check(request, parties)
    return parties


def runners_of(request: Mapping[str, object]) -> tuple[str, ...]:
    """The aliases of the runners that a request asks for: a list, or in older ones a single name."""
    listed = request.get("share_with")
    if isinstance(listed, list | tuple):
        return tuple(str(alias) for alias in listed)
    return (str(request["runner"]),) if request.get("runner") else ()


def party_in(parties: tuple[Party, ...], role: str) -> Party:
    """The one party in a role that one account has: OWNER or REQUESTER."""
    return next(each for each in parties if role in each.roles)


def _check(request: Mapping[str, object], parties: tuple[Party, ...]) -> None:
    for role in _ONE_OF_EACH:
        if len([each for each in parties if role in each.roles]) != 1:
            raise HashMismatchError(f"the request does not name one {role.replace('_', ' ')}")
    for what, values in (
        ("account", [each.account.upper() for each in parties]),
        ("alias", [each.alias.upper() for each in parties]),
    ):
        if len(set(values)) != len(values):
            raise HashMismatchError(f"two parties of the request have one {what}", why="one would stand for the other")
    if str(request.get("requester", "")).upper() != party_in(parties, REQUESTER).alias.upper():
        raise HashMismatchError("the request names two parties as its requester")
    running = sorted(each.alias.upper() for each in parties if RUNNER in each.roles)
    if not running:
        raise HashMismatchError("the request does not name an analysis runner")
    if running != sorted(alias.upper() for alias in runners_of(request)):
        raise HashMismatchError("the request names other parties as its runner than it asks for")
