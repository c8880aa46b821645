"""Snowflake Scripting: the interpreter for BEGIN … END blocks.

Supported: DECLARE, LET, `:=`, SELECT … INTO :v, IF … ELSEIF … ELSE, FOR i IN a TO b, WHILE, RETURN, RETURN TABLE(…),
nested blocks, and
SQL statements with `:v`. Everything else is refused by name. Values never enter a statement's text: they are bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.load import cancellation
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.cursor import Cursor
from cleanroom_ml.engine.sql.lex.tokens import MAX_NESTING, PUNCTUATION, WORD, Token

_REFUSED: Final = frozenset(
    {"EXECUTE", "EXCEPTION", "OPEN", "FETCH", "CLOSE", "LOOP", "REPEAT", "RAISE", "AWAIT", "ASYNC", "BREAK", "CONTINUE"}
)


@dataclass(frozen=True, slots=True)
class BlockResult:
    """What a statement of a block gave: its column names and (at most a few) rows; a DML's rows are its counts.
    `handle` is the runner's own.
    """

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Value, ...], ...] = ()
    handle: object = None


RunStatement = Callable[[str, Mapping[str, Value]], BlockResult]
"""Runs one SQL statement of a block; the mapping are the block's variables (upper case), to be bound as `:NAME`
(Binds.named).
"""


@dataclass(frozen=True, slots=True)
class Returned:
    """A block's outcome: `value` of RETURN (None without one); `table` is the result of RETURN TABLE(…), then value
    is None.
    """

    value: Value = None
    table: BlockResult | None = None


def run_block(
    text: str,
    run: RunStatement,
    variables: Mapping[str, Value] | None = None,
    *,
    max_steps: int = 10_000,
    named: Callable[[str], None] = lambda _: None,
) -> Returned:
    """Run a block. Expressions are run as `SELECT <expression>` through `run`.

    `named` is told the name of each variable before it has a value, and may refuse it.

    Raises:
        SqlError: it is no block, says something that is not supported, takes more than `max_steps` steps, or a
        statement of it failed.
    """
    block = _Block(text, run, dict(variables or {}), max_steps, named)
    try:
        found = block.run()
    except RecursionError:
        raise SqlError.too_complex() from None
    return found if found is not None else Returned()


class _Block:
    """One run. Skipped branches are read, not run: `live` says which."""

    def __init__(
        self, text: str, run: RunStatement, variables: dict[str, Value], steps: int, named: Callable[[str], None]
    ) -> None:
        self.cursor = Cursor(text)
        self.run_statement = run
        self.variables: dict[str, Value] = {name.upper(): value for name, value in variables.items()}
        self.results: dict[str, BlockResult] = {}
        self.steps = steps
        self.named = named
        self.depth = 0

    def run(self) -> Returned | None:
        found = self.block(live=True)
        self.cursor.accept(";")
        self.cursor.expect_end()
        return found

    def block(self, *, live: bool) -> Returned | None:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise SqlError.too_complex()
        if self.cursor.accept("DECLARE"):
            while not self.cursor.looking_at("BEGIN"):
                self.declare(live)
        self.cursor.expect("BEGIN")
        found = self.body(("END",), live)
        self.cursor.expect("END")
        self.depth -= 1
        return found

    def body(self, ends: tuple[str, ...], live: bool) -> Returned | None:
        """Statements up to one of the words; after a RETURN the rest is only read."""
        found: Returned | None = None
        while not any(self.cursor.looking_at(end) for end in ends):
            if self.cursor.done:
                raise self.cursor.surprise("expected END")
            outcome = self.statement(live and found is None)
            found = found or outcome
            self.cursor.expect(";")
        return found

    def statement(self, live: bool) -> Returned | None:
        self.step()
        cursor = self.cursor
        if cursor.looking_at("BEGIN") or cursor.looking_at("DECLARE"):
            return self.block(live=live)
        if cursor.accept("LET"):
            self.assign_declared(live)
            return None
        if cursor.accept("RETURN"):
            return self.returned(live)
        if cursor.accept("IF"):
            return self.condition(live)
        if cursor.accept("FOR"):
            return self.count(live)
        if cursor.accept("WHILE"):
            return self.loop(live)
        token, after = cursor.peek(), cursor.peek(1)
        if token is not None and after is not None and after.text == ":=":
            name = cursor.part()
            cursor.expect(":=")
            if live and name not in self.variables:
                raise SqlError.invalid_identifier(name)
            value = self.value((";",), live)
            if live:
                self.variables[name] = value
            return None
        if token is None or token.upper in _REFUSED:
            raise SqlError.unsupported(f"{token.upper if token else ''} in a scripting block")
        self.sql(live)
        return None

    def step(self) -> None:
        """Counts a statement, or a round of a loop: one with an empty body would turn in the front for ever.

        Between any two, the block ends where it was ended.
        """
        cancellation.check()
        self.steps -= 1
        if self.steps < 0:
            raise SqlError.syntax("The block takes too many steps.")

    def declare(self, live: bool) -> None:
        self.assign_declared(live)
        self.cursor.expect(";")

    def assign_declared(self, live: bool) -> None:
        """`name [type] [:= | DEFAULT expression]`; a RESULTSET holds a query's result."""
        cursor = self.cursor
        name = cursor.part()
        resultset = False
        while not (cursor.looking_at(":=") or cursor.looking_at("DEFAULT") or cursor.looking_at(";")):
            word = cursor.next()
            if word.upper in {"CURSOR", "EXCEPTION"}:
                raise SqlError.unsupported(f"{word.upper} in a scripting block")
            resultset = resultset or word.upper == "RESULTSET"
        value: Value = None
        if cursor.accept(":=") or cursor.accept("DEFAULT"):
            if resultset:
                tokens = cursor.group()
                if live:
                    self.results[name] = self.execute(self.between(tokens))
                return
            value = self.value((";",), live)
        if live:
            self.named(name)
            self.variables[name] = value

    def returned(self, live: bool) -> Returned | None:
        if self.cursor.accept("TABLE"):
            tokens = self.cursor.group()
            if not live:
                return None
            if len(tokens) == 1 and tokens[0].kind == WORD:
                name = tokens[0].upper
                if name not in self.results:
                    raise SqlError.invalid_identifier(name)
                return Returned(table=self.results[name])
            return Returned(table=self.execute(self.between(tokens)))
        value = self.value((";",), live) if not self.cursor.looking_at(";") else None
        return Returned(value) if live else None

    def condition(self, live: bool) -> Returned | None:
        found: Returned | None = None
        taken = False
        while True:
            holds = self.value(("THEN",), live and not taken)
            self.cursor.expect("THEN")
            outcome = self.body(("ELSEIF", "ELSE", "END"), live and not taken and bool(holds))
            found = found or outcome
            taken = taken or bool(holds)
            if not self.cursor.accept("ELSEIF"):
                break
        if self.cursor.accept("ELSE"):
            found = self.body(("END",), live and not taken) or found
        self.cursor.expect("END", "IF")
        return found

    def count(self, live: bool) -> Returned | None:
        """FOR i IN [REVERSE] a TO b DO … END FOR."""
        cursor = self.cursor
        name = cursor.part()
        cursor.expect("IN")
        reverse = cursor.accept("REVERSE")
        first = self.value(("TO", "DO"), live)
        if not cursor.accept("TO"):
            raise SqlError.unsupported("FOR over a result in a scripting block")
        last = self.value(("DO",), live)
        cursor.expect("DO")
        start = cursor.at
        found: Returned | None = None
        if live:
            self.named(name)
        numbers = range(_whole(first), _whole(last) + 1) if live else range(0)
        for number in reversed(numbers) if reverse else numbers:
            cursor.at = start
            self.variables[name] = number
            found = self.body(("END",), True)
            self.step()
            if found is not None:
                break
        if not numbers:
            self.body(("END",), False)
        cursor.expect("END", "FOR")
        return found

    def loop(self, live: bool) -> Returned | None:
        """WHILE (c) DO … END WHILE."""
        cursor = self.cursor
        start = cursor.at
        found: Returned | None = None
        while True:
            self.step()
            cursor.at = start
            holds = bool(self.value(("DO",), live and found is None))
            cursor.expect("DO")
            outcome = self.body(("END",), live and found is None and holds)
            found = found or outcome
            if not holds or found is not None:
                break
        cursor.expect("END", "WHILE")
        return found

    def sql(self, live: bool) -> None:
        """A statement up to its semicolon. `SELECT a, b INTO :x, :y …` sets variables."""
        tokens = self.until((";",))
        into = self.into(tokens)
        if into is None:
            if live:
                self.execute(self.between(tokens))
            return
        names, start, end = into
        if not live:
            return
        text = self.between(tokens[:start]) + (" " + self.between(tokens[end:]) if tokens[end:] else "")
        result = self.execute(text)
        if len(result.rows) != 1:
            raise SqlError(
                90241 if result.rows else 100,
                "02000",
                f"SELECT INTO needs exactly one row; the query gave {len(result.rows)}.",
            )
        if len(result.rows[0]) != len(names):
            raise SqlError.syntax("SELECT INTO needs as many variables as columns.")
        self.variables.update(zip(names, result.rows[0], strict=True))

    def into(self, tokens: list[Token]) -> tuple[list[str], int, int] | None:
        """The variables of INTO and the tokens that it takes, in a SELECT, outside of brackets."""
        if tokens[0].upper not in {"SELECT", "WITH"}:
            return None
        depth = 0
        for number, token in enumerate(tokens):
            depth += (token.text == "(") - (token.text == ")")
            if depth or token.kind != WORD or token.upper != "INTO":
                continue
            names, at = [], number + 1
            while at + 1 < len(tokens) and tokens[at].text == ":":
                name = tokens[at + 1].value()
                if name not in self.variables:
                    raise SqlError.invalid_identifier(name)
                names.append(name)
                at += 2
                if at < len(tokens) and tokens[at].text == ",":
                    at += 1
            return names, number, at
        return None

    def value(self, ends: tuple[str, ...], live: bool) -> Value:
        """The value of the expression up to one of the words: one that is not run is None."""
        tokens = self.until(ends)
        if not live:
            return None
        if len(tokens) == 1 and tokens[0].kind == WORD and tokens[0].upper in self.variables:
            return self.variables[tokens[0].upper]
        result = self.execute(f"SELECT {self.bound(tokens)}")
        if len(result.rows) != 1 or len(result.rows[0]) != 1:
            raise SqlError.syntax("an expression of a block must have one value.")
        return result.rows[0][0]

    def bound(self, tokens: list[Token]) -> str:
        """An expression's text in which bare variables read `:name`."""
        pieces: list[str] = []
        for number, token in enumerate(tokens):
            before = tokens[number - 1].text if number else ""
            after = tokens[number + 1].text if number + 1 < len(tokens) else ""
            variable = (
                token.kind == WORD
                and token.upper in self.variables
                and before not in {":", "."}
                and after not in {"(", "."}
            )
            pieces.append(f":{token.text}" if variable else token.text)
        spaced = []
        for number, piece in enumerate(pieces):
            joined = number and pieces[number - 1] == ":" and tokens[number - 1].kind == PUNCTUATION
            spaced.append(piece if joined or not number else f" {piece}")
        return "".join(spaced)

    def until(self, ends: tuple[str, ...]) -> list[Token]:
        """The tokens up to one of the words, outside of brackets and CASE … END."""
        cursor = self.cursor
        start, depth = cursor.at, 0
        while (token := cursor.peek()) is not None:
            word = token.upper if token.kind in {WORD, PUNCTUATION} else ""
            if not depth and word in ends:
                break
            depth += (word in {"(", "[", "{", "CASE"}) - (word in {")", "]", "}"} or (word == "END" and depth > 0))
            cursor.at += 1
        if cursor.at == start:
            raise cursor.surprise("expected an expression")
        return cursor.tokens[start : cursor.at]

    def between(self, tokens: list[Token]) -> str:
        if not tokens:
            raise self.cursor.surprise("expected a statement")
        return self.cursor.text[tokens[0].start : tokens[-1].end]

    def execute(self, text: str) -> BlockResult:
        return self.run_statement(text, dict(self.variables))


def _whole(value: Value) -> int:
    """A bound of FOR: what SQL made of it may be a text, NULL or no number at all."""
    try:
        return int(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise SqlError.syntax("FOR … IN needs two whole numbers.") from None
