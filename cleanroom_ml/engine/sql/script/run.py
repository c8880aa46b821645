"""Runs the tree of a block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from cleanroom_ml.engine.load import cancellation
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.tokens import NUMBER, STRING, WORD, tokenize
from cleanroom_ml.engine.sql.numbers import whole_number
from cleanroom_ml.engine.sql.script import nodes
from cleanroom_ml.engine.sql.script.nodes import Body, Tokens
from cleanroom_ml.engine.sql.script.parse import immediate
from cleanroom_ml.engine.sql.script.raised import Raised, TooManySteps
from cleanroom_ml.engine.sql.script.results import BlockResult, Returned, RunStatement
from cleanroom_ml.engine.sql.script.variables import (
    Cursor,
    Exceptional,
    Names,
    Results,
    Row,
    Variable,
    bound,
    is_declared,
    plain,
    whole,
)
from cleanroom_ml.engine.sql.types.sql_type import SqlType

_CONSTANTS: Final[Mapping[str, Value]] = {"NULL": None, "TRUE": True, "FALSE": False}
_NUMBER: Final = SqlType("NUMBER", 38, 0)
_TEXT: Final = SqlType("VARCHAR")
Flow = Returned | nodes.Leave | None
"""How a statement ended: with the whole block, with a loop, or for the next one to go on."""


class Runner:
    """One run of one block. `dynamic`: EXECUTE IMMEDIATE is there; `finished` is told what each statement gave."""

    def __init__(
        self,
        text: str,
        run: RunStatement,
        variables: Mapping[str, Variable],
        steps: int,
        named: Callable[[str], None],
        *,
        dynamic: bool,
        finished: Callable[[BlockResult], None],
    ) -> None:
        self._text = text
        self._run = run
        self._steps = steps
        self._named = named
        self._dynamic = dynamic
        self._finished = finished
        self._names = Names()
        self._handled: list[SqlError] = []
        self._in_statement = False
        for name, variable in variables.items():
            self._names.put(name.upper(), variable)
        self._told(None)

    def run(self, block: nodes.Nested) -> Returned:
        """Its outcome. Raises SqlError."""
        found = self._nested(block)
        return found if isinstance(found, Returned) else Returned()

    def _nested(self, block: nodes.Nested) -> Flow:
        self._names.scopes.append({})
        try:
            return self._body((*block.declared, *block.body))
        except TooManySteps:
            raise
        except SqlError as error:
            cancellation.check()  # a statement that was ended is no exception of the block's
            handler = next((each for each in block.handlers if self._catches(each, error)), None)
            if handler is None:
                raise
            return self._handle(handler, error)
        finally:
            self._names.scopes.pop()

    def _catches(self, handler: nodes.Handler, error: SqlError) -> bool:
        own = error.name if isinstance(error, Raised) else "STATEMENT_ERROR"
        if not isinstance(error, Raised) and not self._in_statement:
            own = "EXPRESSION_ERROR"
        return "OTHER" in handler.names or own in handler.names

    def _handle(self, handler: nodes.Handler, error: SqlError) -> Flow:
        message = error.text if isinstance(error, Raised) else error.message
        self._names.scopes.append(
            {
                "SQLCODE": Variable(error.code, _NUMBER),
                "SQLERRM": Variable(message, _TEXT),
                "SQLSTATE": Variable(error.sqlstate, _TEXT),
            }
        )
        self._handled.append(error)
        try:
            return self._body(handler.body)
        finally:
            self._handled.pop()
            self._names.scopes.pop()

    def _body(self, body: Body) -> Flow:
        for node in body:
            flow = self._statement(node)
            if flow is not None:
                return flow
        return None

    def _statement(self, node: nodes.Node) -> Flow:
        self._step()
        match node:
            case nodes.Nested():
                return self._nested(node)
            case nodes.Variable() | nodes.CursorOf() | nodes.ResultSet() | nodes.Exceptional():
                self._declare(node)
            case nodes.Assign():
                self._assign(node)
            case nodes.Return():
                return Returned() if node.value is None else self._returned(node.value)
            case nodes.ReturnTable():
                return Returned(table=self._rows_of(node.what))
            case nodes.Choice():
                return self._choose(node)
            case nodes.Count() | nodes.Each() | nodes.Loop():
                return self._loop(node)
            case nodes.Leave():
                return node
            case nodes.Raise():
                self._raise(node)
            case nodes.Open() | nodes.Fetch() | nodes.Close():
                self._cursor(node)
            case nodes.Immediate():
                self._into(node.into, self._immediate(node))
            case nodes.Sql():
                self._into(node.into, self._sql(node.text))
        return None

    def _step(self) -> None:
        """Counts a statement, or a round of a loop: one with an empty body would turn in the front for ever.

        Between any two, the block ends where it was ended.
        """
        cancellation.check()
        self._steps -= 1
        if self._steps < 0:
            raise TooManySteps(1003, "42000", "SQL compilation error:\nThe block takes too many steps.")

    def _declare(self, node: nodes.Node) -> None:
        match node:
            case nodes.Variable(name, declared, tokens):
                value, kind = (None, None) if tokens is None else self._typed(tokens, declared)
                self._named(name)
                self._names.put(name, Variable(value, kind, declared))
            case nodes.CursorOf(name, query):
                self._named(name)
                self._names.put(name, Cursor(query))
            case nodes.ResultSet(name, query):
                found = None if query is None else self._query(query)
                self._named(name)
                self._names.put(name, Results(found))
            case nodes.Exceptional(name, number, message):
                self._names.put(name, Exceptional(number, message))

    def _assign(self, node: nodes.Assign) -> None:
        thing = self._names.find(node.name)
        if isinstance(thing, Results):
            inside = node.value[1:-1] if node.value[0].text == "(" and node.value[-1].text == ")" else ()
            if not inside:
                raise SqlError.syntax("a RESULTSET takes a query in parentheses.")
            thing.found = self._query(inside)
        elif isinstance(thing, Variable):
            thing.value, thing.type = self._typed(node.value, thing.declared)
        else:
            raise SqlError.invalid_identifier(node.name)

    def _returned(self, tokens: Tokens) -> Returned:
        value, kind = self._typed(tokens, None)
        return Returned(value, None, kind)

    def _choose(self, node: nodes.Choice) -> Flow:
        for condition, body in node.branches:
            if node.subject is None:
                holds: Value = self._holds(condition)
            else:
                # One expression of both: their tokens stand in one text.
                left, one = self._bound(node.subject, bare=True)
                right, two = self._bound(condition, bare=True)
                renamed = {name.replace("_BOUND_", "_OTHER_"): value for name, value in two.items()}
                right = right.replace(":_BOUND_", ":_OTHER_")
                holds = self._one(self._execute(f"SELECT ({left}) = ({right})", {**one, **renamed}))[0]
            if holds:
                return self._body(body)
        if not node.complete:
            raise SqlError(100_000, "P0001", "CASE statement: no branch holds, and there is no ELSE.")
        return self._body(node.otherwise)

    def _loop(self, node: nodes.Count | nodes.Each | nodes.Loop) -> Flow:
        self._names.scopes.append({})
        try:
            for _ in self._rounds(node):
                self._step()
                flow = self._body(node.body)
                if isinstance(flow, Returned):
                    return flow
                if flow is not None and flow.label not in {"", node.label}:
                    return flow
                if flow is not None and not flow.again:
                    break
                if isinstance(node, nodes.Loop) and node.after is not None and self._holds(node.after):
                    break
            return None
        finally:
            self._names.scopes.pop()

    def _rounds(self, node: nodes.Count | nodes.Each | nodes.Loop) -> Iterator[None]:
        if isinstance(node, nodes.Loop):
            return self._while(node)
        self._named(node.name)
        if isinstance(node, nodes.Each):
            return self._each(node)
        first, last = whole(self._value(node.first)), whole(self._value(node.last))
        numbers = range(first, last + 1)
        return self._counted(node.name, numbers[::-1] if node.reverse else numbers)

    def _while(self, node: nodes.Loop) -> Iterator[None]:
        while node.before is None or self._holds(node.before):
            yield

    def _counted(self, name: str, numbers: range) -> Iterator[None]:
        for number in numbers:
            self._names.put(name, Variable(number, _NUMBER))
            yield

    def _each(self, node: nodes.Each) -> Iterator[None]:
        found = self._rows_of(node.rows)
        for row in found.rows:
            self._names.put(node.name, Row(found.columns, row))
            yield

    def _raise(self, node: nodes.Raise) -> None:
        if node.name is None:
            if not self._handled:
                raise SqlError.syntax("RAISE without a name is for an exception that is being handled.")
            raise self._handled[-1]
        thing = self._names.find(node.name)
        if not isinstance(thing, Exceptional):
            raise SqlError.invalid_identifier(node.name)
        raise Raised(node.name, thing, node.line, node.column)

    def _cursor(self, node: nodes.Open | nodes.Fetch | nodes.Close) -> None:
        thing = self._names.find(node.cursor)
        if not isinstance(thing, Cursor):
            raise SqlError.invalid_identifier(node.cursor)
        if isinstance(node, nodes.Open):
            found = self._query(thing.query, [self._value(item) for item in node.using])
            thing.columns, thing.types, thing.rows, thing.at = found.columns, found.types, found.rows, 0
            return
        if thing.rows is None:
            raise SqlError(90_245, "24000", f"Cursor '{node.cursor}' is not open.")
        if isinstance(node, nodes.Close):
            thing.rows = None
            return
        if thing.at >= len(thing.rows):  # past the end: the variables become NULL
            self._set(node.into, [None] * len(node.into), ())
            return
        row = thing.rows[thing.at]
        thing.at += 1
        self._set(node.into, row, thing.types)

    def _immediate(self, node: nodes.Immediate) -> BlockResult:
        if not self._dynamic:
            raise SqlError.unsupported("EXECUTE IMMEDIATE in a template")
        text = plain(self._value(node.text))
        if not isinstance(text, str):
            raise SqlError.syntax("EXECUTE IMMEDIATE needs a text.")
        values = [self._value(item) for item in node.using]
        made, extra = bound(text, tuple(tokenize(text)), Names(), values, bare=False) if values else (text, {})
        return self._told(self._execute(made, extra, statement=True))

    def _sql(self, tokens: Tokens) -> BlockResult:
        text, extra = self._bound(tokens, bare=False)
        return self._told(self._execute(text, extra, statement=True))

    def _told(self, found: BlockResult | None) -> BlockResult:
        """What a statement did is told by SQLROWCOUNT and the like, until the next one."""
        if found is not None:
            self._finished(found)
        found = BlockResult() if found is None else found
        rows = found.affected
        told = {
            "SQLROWCOUNT": Variable(rows, _NUMBER),
            "SQLFOUND": Variable(None if rows is None else rows > 0),
            "SQLNOTFOUND": Variable(None if rows is None else rows == 0),
            "SQLID": Variable(found.query_id, _TEXT),
        }
        self._names.scopes[0].update(told)
        return found

    def _into(self, names: Sequence[str], found: BlockResult) -> None:
        if not names:
            return
        if len(found.rows) != 1:
            raise SqlError(
                90241 if found.rows else 100,
                "02000",
                f"SELECT INTO needs exactly one row; the query gave {len(found.rows)}.",
            )
        self._set(names, found.rows[0], found.types)

    def _set(self, names: Sequence[str], values: Sequence[Value], types: Sequence[SqlType]) -> None:
        if len(values) != len(names):
            raise SqlError.syntax("INTO needs as many variables as there are columns.")
        for number, (name, value) in enumerate(zip(names, values, strict=True)):
            thing = self._names.find(name)
            if not isinstance(thing, Variable):
                raise SqlError.invalid_identifier(name)
            kind = types[number] if number < len(types) else None
            if not is_declared(value, kind, thing.declared):
                value, kind = self._cast(value, str(thing.declared))
            thing.value, thing.type = value, kind

    def _rows_of(self, tokens: Tokens) -> BlockResult:
        """What a RESULTSET, a cursor, RESULTSET_FROM_CURSOR(…) or a query gives."""
        if len(tokens) == 4 and tokens[0].upper == "RESULTSET_FROM_CURSOR" and tokens[1].text == "(":
            tokens = tokens[2:3]
        thing = self._names.find(tokens[0].value()) if len(tokens) == 1 else None
        if isinstance(thing, Results):
            if not isinstance(thing.found, BlockResult):
                raise SqlError.syntax(f"RESULTSET {tokens[0].text[:80]} has nothing yet.")
            return thing.found
        if isinstance(thing, Cursor):
            if thing.rows is not None:
                return BlockResult(thing.columns, tuple(thing.rows[thing.at :]), types=thing.types)
            return self._query(thing.query)
        if len(tokens) == 1:
            raise SqlError.invalid_identifier(tokens[0].value())
        return self._query(tokens[1:-1] if tokens[0].text == "(" and tokens[-1].text == ")" else tokens)

    def _query(self, tokens: Tokens, using: Sequence[Value] = ()) -> BlockResult:
        """The rows of a query, of the RESULTSET of that name, or of EXECUTE IMMEDIATE."""
        if len(tokens) == 1:
            return self._rows_of(tokens)
        if tokens[0].upper == "EXECUTE":
            return self._immediate(immediate(self._text, tokens))
        text, extra = bound(self._text, tokens, self._names, using, bare=False)
        return self._told(self._execute(text, extra, statement=True))

    def _typed(self, tokens: Tokens, declared: str | None) -> tuple[Value, SqlType | None]:
        """The value of an expression as the declared type, or as its own."""
        if declared is None and len(tokens) == 1:
            token = tokens[0]
            if token.kind == STRING:
                return str(token.value()), _TEXT
            if token.kind == NUMBER and (number := whole_number(token.text)) is not None:
                return number, _NUMBER
            if token.kind == WORD:
                thing = self._names.find(token.value())
                if isinstance(thing, Variable):
                    return thing.value, thing.type
                if thing is None and token.upper in _CONSTANTS:
                    return _CONSTANTS[token.upper], None
        text, extra = self._bound(tokens, bare=True)
        return self._one(self._execute(f"SELECT {text}" if declared is None else f"SELECT ({text})::{declared}", extra))

    def _value(self, tokens: Tokens) -> Value:
        return self._typed(tokens, None)[0]

    def _cast(self, value: Value, to: str) -> tuple[Value, SqlType | None]:
        return self._one(self._execute(f"SELECT :_BOUND_1::{to}", {"_BOUND_1": value}))

    def _holds(self, tokens: Tokens) -> bool:
        """Whether a condition holds: what is no BOOLEAN is made one, as SQL does."""
        value = self._value(tokens)
        if value is not None and not isinstance(value, bool):
            value = self._cast(value, "BOOLEAN")[0]
        return bool(value)

    def _one(self, found: BlockResult) -> tuple[Value, SqlType | None]:
        if len(found.rows) != 1 or len(found.rows[0]) != 1:
            raise SqlError.syntax("an expression of a block must have one value.")
        return found.rows[0][0], found.types[0] if found.types else None

    def _bound(self, tokens: Tokens, *, bare: bool) -> tuple[str, Mapping[str, Value]]:
        return bound(self._text, tokens, self._names, bare=bare)

    def _execute(self, text: str, extra: Mapping[str, Value], *, statement: bool = False) -> BlockResult:
        self._in_statement = statement
        return self._run(text, {**self._names.values(), **extra})
