"""What the body of a masking or a row access policy computes: an expression of its arguments, as a function in SQL.

It reads nothing but its arguments, and knows of who reads the account alone (see `constraints`).

Source: sql-reference/sql/create-masking-policy, -/create-row-access-policy. Bodies with a subquery (a mapping table),
with a function that somebody wrote, or that ask the session for anything else, are refused where the policy is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.catalog import ContextValues
from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.entry import Scalar
from cleanroom_ml.engine.sql.functions.table import FUNCTIONS, WORDS
from cleanroom_ml.engine.sql.policies.constraints import Reader
from cleanroom_ml.engine.sql.policies.definition import Policy
from cleanroom_ml.engine.sql.resolve.calls import called_parts
from cleanroom_ml.engine.sql.resolve.identifiers import fold
from cleanroom_ml.engine.sql.resolve.user_functions import expression_of
from cleanroom_ml.engine.sql.routines import Routine, UserFunction
from cleanroom_ml.engine.sql.tree import grammar

_TOLD: Final = frozenset(
    {"CURRENT_ACCOUNT", "CURRENT_ACCOUNT_NAME", "CURRENT_ROLE", "CURRENT_USER", "CURRENT_ORGANIZATION_NAME"}
    | {"IS_ROLE_IN_SESSION"}
)
"""What a body may ask of who reads."""


class BodyCatalog:
    """The names that a body may use: none; and who reads."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def source(self, parts: tuple[str, ...]) -> None:
        """Nothing: a body reads no table."""
        return

    def context(self) -> ContextValues:
        """Of who reads, the account. Its role and its user are not told (`constraints`)."""
        return ContextValues(account=self._reader.account, user=None, role=None)


def function(policy: Policy, name: str, reader: Reader) -> UserFunction:
    """The body as a function of this name, for one reader."""
    routine = Routine(name, policy.parameters, policy.returns, body=policy.body)
    return UserFunction(routine, BodyCatalog(reader))


def check(policy: Policy) -> None:
    """Raises SqlError: the body is no expression of the policy's arguments, or has what is on no list."""
    tree = expression_of(policy.body)
    known = {each.name for each in policy.parameters}
    for node in tree.walk():
        if isinstance(node, exp.Column):
            name_of = fold(node.this) if isinstance(node.this, exp.Identifier) else "?"
            if node.args.get("table") is not None or name_of not in known:
                raise SqlError.invalid_identifier(name_of)
        if isinstance(node, exp.Query | exp.Window | exp.Star | exp.Parameter | exp.Placeholder):
            raise SqlError.unsupported(f"{grammar.construct(node)} in the body of a {policy.kind.lower()}")
        word = WORDS.get(type(node).__name__)
        parts = called_parts(node) if isinstance(node, exp.Anonymous | exp.Dot) else None
        name = word[0] if word is not None else parts[0][-1] if parts is not None else None
        if name is None or (isinstance(node, exp.Dot) and parts is None):
            continue
        found = FUNCTIONS.get(name)
        asks = isinstance(found, Scalar) and (found.session is not None or found.asked is not None)
        if not isinstance(found, Scalar) or (asks and name not in _TOLD) or name.startswith("SYSTEM$"):
            raise SqlError.unsupported(f"{name[:60]} in the body of a {policy.kind.lower()}")
    given = ", ".join(f"CAST(NULL AS {each.type})" for each in policy.parameters)
    compile_query(f"SELECT BODY({given})", _OneFunction(policy))


class _OneFunction(BodyCatalog):
    """A catalog that has the body, as a function."""

    def __init__(self, policy: Policy) -> None:
        super().__init__(Reader(""))
        self._policy = policy

    def functions(self, parts: tuple[str, ...]) -> Sequence[UserFunction]:
        return (function(self._policy, "BODY", Reader("")),) if parts == ("BODY",) else ()
