"""What the body of an aggregation, join or projection policy says of one reader: worked out here, in the front.

A body is CASE, comparisons and context functions around one of the constraints of its kind, and nothing else; what is
on no list here is refused where the policy is made. A reader of shared data is known by its account alone: CURRENT_ROLE
and CURRENT_USER are NULL there (sql-reference/functions/current_role, "Usage notes": of shares), so that no role that
a reader makes for itself opens anything.

Source: user-guide/aggregation-policies, -/join-policies, -/projection-policies; "Calling functions from the body".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.numbers import whole_number
from cleanroom_ml.engine.sql.policies.definition import AGGREGATION, JOIN, PROJECTION
from cleanroom_ml.engine.sql.resolve.user_functions import expression_of
from cleanroom_ml.engine.sql.tree import grammar
from cleanroom_ml.engine.sql.tree.dialect import Node

_LARGEST: Final = 1 << 31


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: the account that a runner is of."""

    account: str
    organization: str = "LOCAL"


@dataclass(frozen=True, slots=True)
class Constraint:
    """What a body says: `group_size` of an aggregation policy, None for no constraint; `required` of a join policy;
    `allowed` and `nullify` of a projection policy.
    """

    group_size: int | None = None
    required: bool = False
    allowed: bool = True
    nullify: bool = False


Constant = str | bool | int | None


def check(kind: str, body: str) -> None:
    """Raises SqlError: the body has what is on no list, wherever it stands in it."""
    _walk(kind, expression_of(body), None)


def constraint_of(kind: str, body: str, reader: Reader) -> Constraint:
    """What the body says to a reader.

    Raises:
        SqlError: the body says nothing (a CASE without ELSE), so that nothing may be read; or it is no such body.
    """
    return _walk(kind, expression_of(body), reader)


def _walk(kind: str, node: Node, reader: Reader | None) -> Constraint:
    """The constraint that a body ends in; without a reader, each one that it may end in is looked at."""
    node = node.unnest()
    if isinstance(node, exp.Case):
        grammar.check(node)
        found: Constraint | None = None
        operand = node.args.get("this")
        for branch in node.args.get("ifs") or []:
            wanted = branch.this if operand is None else exp.EQ(this=operand, expression=branch.this)
            if _value(wanted, reader) is True and found is None:
                found = _walk(kind, branch.args["true"], reader)
            elif reader is None:
                _walk(kind, branch.args["true"], reader)
        otherwise = node.args.get("default")
        if otherwise is None:
            if reader is None or found is not None:
                return found or Constraint()
            raise SqlError.syntax(f"the body of the {kind.lower()} says nothing to this reader: nothing can be read.")
        last = _walk(kind, otherwise, reader) if reader is None or found is None else None
        return found or last or Constraint()
    if isinstance(node, exp.Anonymous):
        return _called(kind, node)
    raise _refused(kind, node)


def _called(kind: str, node: exp.Anonymous) -> Constraint:
    name = str(node.this).upper()
    given = _named(kind, node)
    match kind, name, sorted(given):
        case (k, "NO_AGGREGATION_CONSTRAINT", []) if k == AGGREGATION:
            return Constraint()
        case (k, "AGGREGATION_CONSTRAINT", ["MIN_GROUP_SIZE"]) if k == AGGREGATION:
            size = given["MIN_GROUP_SIZE"]
            if isinstance(size, int) and not isinstance(size, bool) and 0 <= size < _LARGEST:
                return Constraint(group_size=size)
        case (k, "JOIN_CONSTRAINT", ["JOIN_REQUIRED"]) if k == JOIN:
            required = given["JOIN_REQUIRED"]
            if isinstance(required, bool):
                return Constraint(required=required)
        case (k, "PROJECTION_CONSTRAINT", ["ALLOW"] | ["ALLOW", "ENFORCEMENT"]) if k == PROJECTION:
            allowed, enforcement = given["ALLOW"], str(given.get("ENFORCEMENT", "FAIL")).upper()
            if isinstance(allowed, bool) and enforcement in {"FAIL", "NULLIFY"}:
                return Constraint(allowed=allowed, nullify=enforcement == "NULLIFY")
        case _:
            raise SqlError.unsupported(f"{name[:60]} with these arguments in the body of a {kind.lower()}")
    raise SqlError.syntax(f"{name} in the body of a {kind.lower()} takes constants: see CREATE {kind}.")


def _named(kind: str, node: exp.Anonymous) -> Mapping[str, Constant]:
    found: dict[str, Constant] = {}
    for item in node.expressions:
        if not isinstance(item, exp.Kwarg):
            raise _refused(kind, node)
        found[str(item.this.name).upper()] = _value(item.expression, None)
    return found


def _value(node: Node, reader: Reader | None) -> Constant:
    """A condition or a constant of a body, by Snowflake's three truth values. Raises SqlError."""
    node = node.unnest()
    if not isinstance(node, exp.Anonymous | exp.CurrentUser | exp.CurrentRole):
        grammar.check(node)
    match node:
        case exp.Null():
            return None
        case exp.Boolean():
            return bool(node.this)
        case exp.Literal() if node.is_string:
            return str(node.this)
        case exp.Literal():
            number = whole_number(str(node.this))
            if number is None:
                raise SqlError.unsupported("a number that is not whole in the body of a policy")
            return number
        case exp.Not():
            value = _truth(node.this, reader)
            return None if value is None else not value
        case exp.And() | exp.Or():
            sides = (_truth(node.this, reader), _truth(node.expression, reader))
            decided = isinstance(node, exp.Or)
            return decided if decided in sides else None if None in sides else not decided
        case exp.EQ() | exp.NEQ():
            left, right = _value(node.this, reader), _value(node.expression, reader)
            if left is None or right is None:
                return None
            if type(left) is not type(right):
                raise SqlError.unsupported("values of two types in a comparison in the body of a policy")
            return (left == right) is isinstance(node, exp.EQ)
        case exp.Is():
            return _value(node.this, reader) is _value(node.expression, reader)
        case exp.In() if node.args.get("query") is None:
            values = [_value(item, reader) for item in node.expressions]
            this = _value(node.this, reader)
            return None if this is None else True if this in values else None if None in values else False
        case exp.CurrentUser() | exp.CurrentRole():
            return None
        case exp.Anonymous():
            return _function(node, reader)
    raise _refused("policy", node)


def _truth(node: Node, reader: Reader | None) -> bool | None:
    value = _value(node, reader)
    if value is not None and not isinstance(value, bool):
        raise SqlError.syntax("a condition in the body of a policy is TRUE or FALSE.")
    return value


def _function(node: exp.Anonymous, reader: Reader | None) -> Constant:
    name, given = str(node.this).upper(), [_value(item, reader) for item in node.expressions]
    match name, given:
        case ("CURRENT_ROLE" | "CURRENT_USER", []):
            return None
        case ("CURRENT_ACCOUNT" | "CURRENT_ACCOUNT_NAME", []):
            return None if reader is None else reader.account
        case ("CURRENT_ORGANIZATION_NAME", []):
            return None if reader is None else reader.organization
        case ("IS_ROLE_IN_SESSION", [_]):
            return False
        case ("UPPER" | "LOWER", [text]) if text is None or isinstance(text, str):
            return None if text is None else text.upper() if name == "UPPER" else text.lower()
    raise SqlError.unsupported(f"{name[:60]} in the body of a policy")


def _refused(kind: str, node: Node) -> SqlError:
    return SqlError.unsupported(f"{grammar.construct(node)} in the body of a {kind.lower()}")
