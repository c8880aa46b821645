"""A reader over tokens, for commands with a fixed grammar."""

from __future__ import annotations

from bisect import bisect_left

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.tokens import (
    CLOSING,
    OPENING,
    PUNCTUATION,
    QUOTED,
    STRING,
    WORD,
    Token,
    is_variable,
    tokenize,
)


class Cursor:
    """A reader over tokens for commands with a fixed grammar. Every `expect…` raises SqlError with the place of the
    surprise.
    """

    def __init__(self, text: str, tokens: list[Token] | None = None) -> None:
        self.text = text
        self.tokens = tokenize(text) if tokens is None else tokens
        self.at = 0
        self._placeholders: list[int] | None = None

    def peek(self, ahead: int = 0) -> Token | None:
        at = self.at + ahead
        return self.tokens[at] if at < len(self.tokens) else None

    @property
    def done(self) -> bool:
        return self.at >= len(self.tokens)

    def next(self) -> Token:
        token = self.peek()
        if token is None:
            raise SqlError.syntax(f"syntax error at position {len(self.text)} unexpected '<EOF>'.")
        self.at += 1
        return token

    def rest(self) -> str:
        """The text from the next token on, as written."""
        token = self.peek()
        return "" if token is None else self.text[token.start :]

    def placeholders(self) -> int:
        """How many `?` there are before the next token."""
        if self._placeholders is None:
            self._placeholders = [
                number for number, token in enumerate(self.tokens) if token.kind == PUNCTUATION and token.text == "?"
            ]
        return bisect_left(self._placeholders, self.at)

    def looking_at(self, *words: str) -> bool:
        """The next tokens are these keywords or punctuation marks."""
        for ahead, word in enumerate(words):
            token = self.peek(ahead)
            if token is None or token.kind not in {WORD, PUNCTUATION} or token.upper != word:
                return False
        return True

    def accept(self, *words: str) -> bool:
        """Take these keywords, if all of them come next."""
        if not self.looking_at(*words):
            return False
        self.at += len(words)
        return True

    def expect(self, *words: str) -> None:
        for word in words:
            if not self.accept(word):
                raise self.surprise(f"expected '{word}'")

    def expect_end(self) -> None:
        self.accept(";")
        if not self.done:
            raise self.surprise()

    def surprise(self, wanted: str = "") -> SqlError:
        token = self.peek()
        found = "<EOF>" if token is None else token.text[:80]
        at = len(self.text) if token is None else token.start
        line = self.text.count("\n", 0, at) + 1
        column = at - (self.text.rfind("\n", 0, at) + 1)
        suffix = f" ({wanted})" if wanted else ""
        return SqlError.syntax(f"syntax error line {line} at position {column} unexpected '{found}'{suffix}.")

    def word(self) -> str:
        """A bare keyword, in upper case."""
        token = self.peek()
        if token is None or token.kind != WORD:
            raise self.surprise("expected a word")
        self.at += 1
        return token.upper

    def variable(self) -> str | None:
        """The name of the session variable that comes next, in upper case; None: there is none, nothing is taken."""
        token = self.peek()
        if token is None or not is_variable(token):
            return None
        self.at += 1
        return token.upper[1:]

    def string(self) -> str:
        token = self.peek()
        if token is None or token.kind != STRING:
            raise self.surprise("expected a string")
        self.at += 1
        return token.value()

    def part(self) -> str:
        """One identifier, folded."""
        token = self.peek()
        if token is None or token.kind not in {WORD, QUOTED}:
            raise self.surprise("expected a name")
        self.at += 1
        return token.value()

    def group(self) -> list[Token]:
        """The tokens between the bracket that comes next and the one that closes it."""
        if not (self.looking_at("(") or self.looking_at("[") or self.looking_at("{")):
            raise self.surprise("expected '('")
        start, depth = self.at + 1, 0
        while True:
            token = self.next()
            if token.kind == PUNCTUATION:
                depth += (token.text in OPENING) - (token.text in CLOSING)
            if not depth:
                return self.tokens[start : self.at - 1]
