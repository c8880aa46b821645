"""From a block's text to its tree. Nothing is run here; what is not supported is refused by name, used or not."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.cursor import Cursor
from cleanroom_ml.engine.sql.lex.tokens import MAX_NESTING, PUNCTUATION, QUOTED, WORD, Token
from cleanroom_ml.engine.sql.numbers import whole_number
from cleanroom_ml.engine.sql.script import nodes
from cleanroom_ml.engine.sql.script.nodes import Body, Node, Tokens

_REFUSED: Final = frozenset({"AWAIT", "ASYNC", "CANCEL"})
_DO: Final = ("DO", "LOOP")
_DEFAULT_EXCEPTION: Final = -20_000
_TRANSACTION: Final = frozenset({";", "TRANSACTION", "WORK", "NAME"})


def parse(text: str) -> nodes.Nested:
    """The block that `text` is. Raises SqlError: it is none, or has what is not supported."""
    return Parser(text).whole()


def immediate(text: str, tokens: Tokens) -> nodes.Immediate:
    """`EXECUTE IMMEDIATE …` inside of brackets: these tokens of a block's text. Raises SqlError."""
    parser = Parser(text, list(tokens))
    parser.cursor.expect("EXECUTE")
    found = parser.immediate()
    parser.cursor.expect_end()
    return found


class Parser:
    """One block being read."""

    def __init__(self, text: str, tokens: list[Token] | None = None) -> None:
        self.cursor = Cursor(text, tokens)
        self._depth = 0

    def whole(self) -> nodes.Nested:
        block = self.block()
        self.cursor.accept(";")
        self.cursor.expect_end()
        return block

    def block(self) -> nodes.Nested:
        self._deeper()
        cursor = self.cursor
        declared: list[Node] = []
        if cursor.accept("DECLARE"):
            while not cursor.looking_at("BEGIN"):
                declared.append(self._declaration())
                cursor.expect(";")
        cursor.expect("BEGIN")
        body = self.body("EXCEPTION", "END")
        handlers = self._handlers() if cursor.accept("EXCEPTION") else ()
        cursor.expect("END")
        self._depth -= 1
        return nodes.Nested(tuple(declared), body, handlers)

    def body(self, *ends: str) -> Body:
        """Statements up to one of the words."""
        found: list[Node] = []
        while not any(self.cursor.looking_at(end) for end in ends):
            if self.cursor.done:
                raise self.cursor.surprise("expected END")
            found.append(self._statement())
            self.cursor.expect(";")
        return tuple(found)

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise SqlError.too_complex()

    def _handlers(self) -> tuple[nodes.Handler, ...]:
        cursor = self.cursor
        found: list[nodes.Handler] = []
        while cursor.accept("WHEN"):
            names = [cursor.part()]
            while cursor.accept("OR"):
                names.append(cursor.part())
            if cursor.looking_at("CONTINUE"):
                raise SqlError.unsupported("a CONTINUE handler in a scripting block")
            cursor.accept("EXIT")
            cursor.expect("THEN")
            found.append(nodes.Handler(tuple(names), self.body("WHEN", "END")))
        if not found:
            raise cursor.surprise("expected WHEN")
        return tuple(found)

    def _declaration(self) -> Node:
        """`name [type] [:= | DEFAULT value]`, a CURSOR, a RESULTSET or an EXCEPTION."""
        cursor = self.cursor
        name = cursor.part()
        if cursor.accept("CURSOR"):
            cursor.expect("FOR")
            return nodes.CursorOf(name, self.until(";"))
        if cursor.accept("EXCEPTION"):
            return self._exception(name)
        if cursor.accept("RESULTSET"):
            given = cursor.accept(":=") or cursor.accept("DEFAULT")
            return nodes.ResultSet(name, self._query() if given else None)
        start = cursor.at
        while not (cursor.looking_at(":=") or cursor.looking_at("DEFAULT") or cursor.looking_at(";")):
            cursor.next()
        written = cursor.tokens[start : cursor.at]
        kind = cursor.text[written[0].start : written[-1].end] if written else None
        value = self.until(";") if cursor.accept(":=") or cursor.accept("DEFAULT") else None
        return nodes.Variable(name, kind, value)

    def _exception(self, name: str) -> Node:
        cursor = self.cursor
        number, message = _DEFAULT_EXCEPTION, f"Raised {name}"
        if cursor.accept("("):
            negative = cursor.accept("-")
            given = whole_number(cursor.next().text)
            if given is None or not negative or not 20_000 <= given <= 20_999:
                raise SqlError.syntax("The number of an exception is from -20999 to -20000.")
            number = -given
            if cursor.accept(","):
                message = cursor.string()
            cursor.expect(")")
        return nodes.Exceptional(name, number, message)

    def _query(self) -> Tokens:
        if self.cursor.looking_at("ASYNC") or self.cursor.looking_at("(", "ASYNC"):
            raise SqlError.unsupported("ASYNC in a scripting block")
        return tuple(self.cursor.group())

    def _statement(self) -> Node:
        cursor = self.cursor
        token, after = cursor.peek(), cursor.peek(1)
        first = token.upper if token is not None and token.kind == WORD else ""
        following = after.upper if after is not None else ";"
        if first == "DECLARE" or (first == "BEGIN" and following not in _TRANSACTION):
            return self.block()
        if token is not None and token.kind in {WORD, QUOTED} and following == ":=":
            name = cursor.part()
            cursor.expect(":=")
            return nodes.Assign(name, self.until(";"))
        if first in _REFUSED:
            raise SqlError.unsupported(f"{first} in a scripting block")
        read = getattr(self, f"_{first.lower()}", None) if first in _STATEMENTS else None
        if read is None:
            return self._sql()
        cursor.next()
        made: Node = read()
        return made

    def _let(self) -> Node:
        return self._declaration()

    def _null(self) -> Node:
        return nodes.Nothing()

    def _return(self) -> Node:
        cursor = self.cursor
        if cursor.looking_at("TABLE", "("):
            cursor.expect("TABLE")
            return nodes.ReturnTable(tuple(cursor.group()))
        return nodes.Return(None if cursor.looking_at(";") else self.until(";"))

    def _if(self) -> Node:
        self._deeper()
        cursor = self.cursor
        branches = []
        while True:
            condition = self.until("THEN")
            cursor.expect("THEN")
            branches.append((condition, self.body("ELSEIF", "ELSE", "END")))
            if not cursor.accept("ELSEIF"):
                break
        otherwise = self.body("END") if cursor.accept("ELSE") else ()
        cursor.expect("END", "IF")
        self._depth -= 1
        return nodes.Choice(tuple(branches), otherwise)

    def _case(self) -> Node:
        self._deeper()
        cursor = self.cursor
        subject = None if cursor.looking_at("WHEN") else self.until("WHEN")
        branches = []
        while cursor.accept("WHEN"):
            condition = self.until("THEN")
            cursor.expect("THEN")
            branches.append((condition, self.body("WHEN", "ELSE", "END")))
        complete = cursor.accept("ELSE")
        otherwise = self.body("END") if complete else ()
        cursor.expect("END")
        cursor.accept("CASE")
        self._depth -= 1
        return nodes.Choice(tuple(branches), otherwise, subject, complete)

    def _for(self) -> Node:
        self._deeper()
        cursor = self.cursor
        name = cursor.part()
        cursor.expect("IN")
        reverse = cursor.accept("REVERSE")
        first = self.until("TO", *_DO)
        last = self.until(*_DO) if cursor.accept("TO") else None
        self._do()
        body = self.body("END")
        label = self._end_loop("FOR")
        if last is None:
            if reverse:
                raise SqlError.syntax("REVERSE is of a FOR that counts.")
            return nodes.Each(name, first, body, label)
        return nodes.Count(name, first, last, reverse, body, label)

    def _while(self) -> Node:
        self._deeper()
        condition = self.until(*_DO)
        self._do()
        body = self.body("END")
        return nodes.Loop(body, self._end_loop("WHILE"), before=condition)

    def _loop(self) -> Node:
        self._deeper()
        body = self.body("END")
        return nodes.Loop(body, self._end_loop("LOOP"))

    def _repeat(self) -> Node:
        self._deeper()
        body = self.body("UNTIL")
        self.cursor.expect("UNTIL")
        condition = self.until("END")
        return nodes.Loop(body, self._end_loop("REPEAT"), after=condition)

    def _do(self) -> None:
        if not (self.cursor.accept("DO") or self.cursor.accept("LOOP")):
            raise self.cursor.surprise("expected DO")

    def _end_loop(self, word: str) -> str:
        """`END word [label]`, or `END LOOP [label]`."""
        cursor = self.cursor
        cursor.expect("END")
        if not cursor.accept("LOOP"):
            cursor.expect(word)
        self._depth -= 1
        return "" if cursor.looking_at(";") else cursor.part()

    def _break(self) -> Node:
        return self._leave(again=False)

    def _continue(self) -> Node:
        return self._leave(again=True)

    _exit = _break
    _iterate = _continue

    def _leave(self, *, again: bool) -> Node:
        return nodes.Leave(again, "" if self.cursor.looking_at(";") else self.cursor.part())

    def _raise(self) -> Node:
        token = self.cursor.tokens[self.cursor.at - 1]
        text = self.cursor.text
        line = text.count("\n", 0, token.start)
        column = token.start - (text.rfind("\n", 0, token.start) + 1)
        return nodes.Raise(None if self.cursor.looking_at(";") else self.cursor.part(), line + 1, column)

    def _open(self) -> Node:
        return nodes.Open(self.cursor.part(), self._using())

    def _using(self) -> tuple[Tokens, ...]:
        if not self.cursor.accept("USING"):
            return ()
        items: list[list[Token]] = [[]]
        depth = 0
        for token in self.cursor.group():
            depth += (token.text in {"(", "["}) - (token.text in {")", "]"})
            if token.text == "," and not depth:
                items.append([])
            else:
                items[-1].append(token)
        if not all(items):
            raise self.cursor.surprise("expected a value in USING")
        return tuple(map(tuple, items))

    def _fetch(self) -> Node:
        cursor = self.cursor
        name = cursor.part()
        cursor.expect("INTO")
        return nodes.Fetch(name, self._targets())

    def _targets(self) -> tuple[str, ...]:
        """`:a, :b`; the colons may be left out."""
        found: list[str] = []
        while not found or self.cursor.accept(","):
            self.cursor.accept(":")
            found.append(self.cursor.part())
        return tuple(found)

    def _close(self) -> Node:
        return nodes.Close(self.cursor.part())

    def _execute(self) -> Node:
        ahead = self.cursor.peek(1)
        if ahead is not None and ahead.upper == "FROM":  # a staged file: a statement as any other
            self.cursor.at -= 1
            return nodes.Sql(self.until(";"), ())
        return self.immediate()

    def immediate(self) -> nodes.Immediate:
        """What is behind EXECUTE."""
        self.cursor.expect("IMMEDIATE")
        if self.cursor.looking_at("FROM"):
            raise SqlError.unsupported("EXECUTE IMMEDIATE FROM a file where a block asks for its result")
        text = self.until(";", "USING", "INTO")
        using = self._using()
        into = self._targets() if self.cursor.accept("INTO") else ()
        return nodes.Immediate(text, using, into)

    def _sql(self) -> Node:
        """A statement up to its semicolon. `SELECT a, b INTO :x, :y …` and `CALL p() INTO :x` set variables."""
        tokens = self.until(";")
        at = _into(tokens)
        if at is None:
            return nodes.Sql(tokens, ())
        names: list[str] = []
        end = at + 1
        while end + 1 < len(tokens) and tokens[end].text == ":":
            names.append(tokens[end + 1].value())
            end += 2
            if end < len(tokens) and tokens[end].text == ",":
                end += 1
        return nodes.Sql((*tokens[:at], *tokens[end:]), tuple(names))

    def until(self, *ends: str) -> Tokens:
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
        return tuple(cursor.tokens[start : cursor.at])


_STATEMENTS: Final = frozenset(
    {
        *("LET", "NULL", "RETURN", "IF", "CASE", "FOR", "WHILE", "LOOP", "REPEAT", "BREAK", "EXIT", "CONTINUE"),
        *("ITERATE", "RAISE", "OPEN", "FETCH", "CLOSE", "EXECUTE"),
    }
)


def _into(tokens: Tokens) -> int | None:
    """Where INTO stands in a SELECT or CALL, outside of brackets, with a variable after it."""
    if tokens[0].upper not in {"SELECT", "WITH", "CALL"}:
        return None
    depth = 0
    for number, token in enumerate(tokens[:-1]):
        depth += (token.text == "(") - (token.text == ")")
        if not depth and token.kind == WORD and token.upper == "INTO" and tokens[number + 1].text == ":":
            return number
    return None
