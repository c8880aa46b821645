"""CREATE … POLICY, ALTER … POLICY, of the kinds that a data offering can have for free-form SQL.

Source: sql-reference/sql/create-aggregation-policy, -/alter-aggregation-policy, and those of the other kinds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.tokens import PUNCTUATION
from cleanroom_ml.engine.sql.policies.definition import CONSTRAINTS, KINDS, MASKING, MAX_BODY, ROW_ACCESS, Policy
from cleanroom_ml.engine.sql.read.columns import cut_at_commas, read_type
from cleanroom_ml.engine.sql.read.form import Modifiers, ObjectForm, Reader
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Name, Statement
from cleanroom_ml.engine.sql.routines import Parameter
from cleanroom_ml.engine.sql.types.sql_type import SqlType, parse_type

_MOST: Final = 100


@dataclass(frozen=True, slots=True)
class CreatePolicy(Statement):
    name: Name
    policy: Policy
    comment: str = ""
    or_replace: bool = False
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class AlterPolicy(Statement):
    """RENAME TO `new_name`, SET BODY -> `body`, SET COMMENT (UNSET: an empty one)."""

    kind: str
    name: Name
    new_name: Name | None = None
    body: str | None = None
    comment: str | None = None
    if_exists: bool = False


def _create(source: Source, modifiers: Modifiers, kind: str) -> CreatePolicy:
    if modifiers.words:
        raise SqlError.unsupported(f"CREATE {min(modifiers.words)} {kind}")
    cursor = source.cursor
    if_not_exists = cursor.accept("IF", "NOT", "EXISTS")
    name = source.names.name()
    cursor.expect("AS")
    given = _parameters(source)
    cursor.expect("RETURNS")
    returns = _returns(source, kind, bool(given))
    body = _body(source)
    comment = ""
    while not cursor.done and not cursor.looking_at(";"):
        cursor.accept(",")
        if cursor.accept("COMMENT"):
            cursor.expect("=")
            comment = source.names.text()
        else:
            raise SqlError.unsupported(f"{cursor.word()[:40]} of a {kind.lower()}")
    cursor.expect_end()
    policy = Policy(kind, given, returns, body)
    if kind == MASKING and (not given or given[0].type != returns):
        raise SqlError.syntax("a masking policy returns the type of its first argument.")
    return CreatePolicy(name, policy, comment, modifiers.or_replace, if_not_exists)


def _parameters(source: Source) -> tuple[Parameter, ...]:
    """`(name TYPE, …)`."""
    found = []
    for tokens in cut_at_commas(source.cursor.group()):
        sql_type, used = read_type(source.text, tokens[1:])
        if len(tokens) != 1 + used:
            raise SqlError.syntax(f"syntax error: unexpected '{tokens[1 + used].text[:80]}' in a policy's signature.")
        found.append(Parameter(tokens[0].value(), sql_type))
    if len({each.name for each in found}) != len(found) or len(found) > _MOST:
        raise SqlError.syntax(f"a policy has at most {_MOST} arguments, each with a name of its own.")
    return tuple(found)


def _returns(source: Source, kind: str, given: bool) -> SqlType | None:
    constraint = CONSTRAINTS.get(kind)
    if constraint is None:
        found, used = read_type(source.text, source.tokens[source.cursor.at :])
        source.cursor.at += used
        if kind == ROW_ACCESS and found != parse_type("BOOLEAN"):
            raise SqlError.syntax("a row access policy returns BOOLEAN.")
        return found
    source.cursor.expect(constraint)
    if given:
        raise SqlError.syntax(f"the signature of a {kind.lower()} is ().")
    return None


def _body(source: Source) -> str:
    """`-> expression`, up to COMMENT = and the like; as written."""
    cursor = source.cursor
    if not cursor.accept("->"):
        cursor.expect("-", ">")
    start = cursor.at
    depth = 0
    while not cursor.done:
        token = cursor.tokens[cursor.at]
        if token.kind == PUNCTUATION:
            depth += (token.text in {"(", "["}) - (token.text in {")", "]"})
        ends = cursor.looking_at(";") or any(
            cursor.looking_at(word, "=") for word in ("COMMENT", "EXEMPT_OTHER_POLICIES")
        )
        if ends and depth <= 0:
            break
        cursor.at += 1
    if cursor.at == start:
        raise cursor.surprise("expected the body of the policy")
    text = source.text[cursor.tokens[start].start : cursor.tokens[cursor.at - 1].end]
    if len(text) > MAX_BODY:
        raise SqlError.too_complex()
    return text


def _alter(source: Source, kind: str) -> AlterPolicy:
    cursor = source.cursor
    if_exists = cursor.accept("IF", "EXISTS")
    name = source.names.name()
    if cursor.accept("RENAME", "TO"):
        made = AlterPolicy(kind, name, new_name=source.names.name(), if_exists=if_exists)
    elif cursor.accept("SET", "BODY"):
        made = AlterPolicy(kind, name, body=_body(source), if_exists=if_exists)
    elif cursor.accept("UNSET", "COMMENT"):
        made = AlterPolicy(kind, name, comment="", if_exists=if_exists)
    elif cursor.accept("SET", "COMMENT"):
        cursor.expect("=")
        made = AlterPolicy(kind, name, comment=source.names.text(), if_exists=if_exists)
    else:
        raise SqlError.unsupported(f"this ALTER {kind}: SET BODY, SET COMMENT and RENAME TO are supported")
    cursor.expect_end()
    return made


def _form(kind: str) -> ObjectForm:
    def create(source: Source, modifiers: Modifiers) -> CreatePolicy:
        return _create(source, modifiers, kind)

    def read(source: Source) -> AlterPolicy:
        return _alter(source, kind)

    alter: Reader = read
    words = tuple(kind.split())
    return ObjectForm(words, (*words[:-1], "POLICIES"), create=create, alter=alter)


OBJECTS: Final = tuple(_form(kind) for kind in KINDS)
