"""PATTERN of MATCH_RECOGNIZE, read into the program that finds it (values/row_matching.py).

    pattern    :=  factor …  |  factor "|" factor …
    factor     :=  primary [ "*" | "+" | "?" | "{n}" | "{n,}" | "{,m}" | "{n,m}" ] [ "?" ]
    primary    :=  symbol | "^" | "$" | "(" pattern ")" | "{-" pattern "-}" | PERMUTE "(" pattern "," … ")"

`A B | C` is refused: the documentation says that `|` binds closer than a blank, unlike in any other pattern language.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.tokens import NUMBER, QUOTED, WORD, Token, tokenize
from cleanroom_ml.engine.sql.numbers import whole_number

MOST_STEPS: Final = 2_000
_MOST_PERMUTED: Final = 5
_SIGNS: Final = {"*": (0, None), "+": (1, None), "?": (0, 1)}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A part of a pattern: a `symbol`, an anchor (`start`, `end`), parts `all` after another, `either` of several, or
    one part from `least` to `most` times (`times`), as often or as seldom as can be.
    """

    kind: str
    name: str = ""
    parts: tuple[Pattern, ...] = ()
    least: int = 1
    most: int | None = 1
    greedy: bool = True
    excluded: bool = False

    def symbols(self) -> Iterator[str]:
        """The symbols in it, in order."""
        if self.kind == "symbol":
            yield self.name
        for part in self.parts:
            yield from part.symbols()

    @property
    def can_be_empty(self) -> bool:
        """Whether it may match no row."""
        match self.kind:
            case "symbol":
                return False
            case "start" | "end":
                return True
            case "either":
                return any(part.can_be_empty for part in self.parts)
            case "times":
                return not self.least or self.parts[0].can_be_empty
            case _:
                return all(part.can_be_empty for part in self.parts)

    @property
    def excludes(self) -> bool:
        """Whether rows of it are not shown."""
        return self.excluded or any(part.excludes for part in self.parts)


def pattern(text: str) -> Pattern:
    """A pattern as written. Raises SqlError: it is none, or one that is not done here."""
    reader = _Reader(tokenize(text))
    found = reader.alternatives(excluded=False)
    if reader.at < len(reader.tokens):
        raise reader.surprise()
    return found


def program(of: Pattern, defined: Sequence[str], skip: str, symbol: str | None) -> str:
    """What finds it; `defined`: the symbols that have conditions, in the order of their signs.

    Raises:
        SqlError: it takes too many steps, or goes on at a symbol that is not in it.
    """
    if symbol is not None and symbol not in set(of.symbols()):
        raise SqlError.syntax(f"AFTER MATCH SKIP TO {symbol[:100]}: there is no such symbol in PATTERN.")
    steps: list[list[object]] = []
    _write(of, steps, {name: number for number, name in enumerate(defined)})
    steps.append(["match"])
    return json.dumps({"steps": steps, "skip": skip, "symbol": symbol})


def _write(of: Pattern, steps: list[list[object]], defined: dict[str, int]) -> None:
    if len(steps) > MOST_STEPS:
        raise SqlError.unsupported(f"a PATTERN of more than {MOST_STEPS} steps")
    match of.kind:
        case "symbol":
            steps.append(["row", defined.get(of.name, -1), of.name, of.excluded])
        case "start" | "end":
            steps.append([of.kind])
        case "all" | "group":
            for part in of.parts:
                _write(part, steps, defined)
        case "either":
            _either(of, steps, defined)
        case _:
            _times(of, steps, defined)


def _either(of: Pattern, steps: list[list[object]], defined: dict[str, int]) -> None:
    ends: list[list[object]] = []
    for part in of.parts[:-1]:
        fork: list[object] = ["either", len(steps) + 1, 0]
        steps.append(fork)
        _write(part, steps, defined)
        ends.append(["goto", 0])
        steps.append(ends[-1])
        fork[2] = len(steps)
    _write(of.parts[-1], steps, defined)
    for end in ends:
        end[1] = len(steps)


def _times(of: Pattern, steps: list[list[object]], defined: dict[str, int]) -> None:
    body = of.parts[0]
    for _ in range(of.least):
        _write(body, steps, defined)
    forks: list[list[object]] = []
    for _ in range(1 if of.most is None else of.most - of.least):
        here = len(steps)
        forks.append(["either", 0, 0])
        steps.append(forks[-1])
        _write(body, steps, defined)
        forks[-1][1 if of.greedy else 2] = here + 1
        if of.most is None:
            steps.append(["goto", here])
    for fork in forks:
        fork[2 if of.greedy else 1] = len(steps)


class _Reader:
    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.at = 0

    def surprise(self) -> SqlError:
        if self.at >= len(self.tokens):
            return SqlError.syntax("syntax error: the PATTERN ends too early.")
        return SqlError.syntax(f"syntax error: unexpected '{self.tokens[self.at].text[:80]}' in PATTERN.")

    def alternatives(self, *, excluded: bool) -> Pattern:
        """Raises SqlError."""
        branches = [self._sequence(excluded=excluded)]
        while self._accept("|"):
            branches.append(self._sequence(excluded=excluded))
        if len(branches) == 1:
            return branches[0]
        if any(branch.kind == "all" and len(branch.parts) > 1 for branch in branches):
            raise SqlError.unsupported("a PATTERN with '|' beside symbols that follow another: put brackets around it")
        return Pattern("either", parts=tuple(branches))

    def _sequence(self, *, excluded: bool) -> Pattern:
        parts: list[Pattern] = []
        while (part := self._factor(excluded=excluded)) is not None:
            parts.append(part)
        if not parts:
            raise self.surprise()
        return parts[0] if len(parts) == 1 else Pattern("all", parts=tuple(parts))

    def _factor(self, *, excluded: bool) -> Pattern | None:
        found = self._primary(excluded=excluded)
        if found is None:
            return None
        times = self._quantifier()
        if times is None:
            return Pattern("group", parts=(found,)) if found.kind == "all" else found
        least, most = times
        if (most is not None and not least <= most) or most == 0:
            raise SqlError.syntax("a quantifier of PATTERN that allows no number of times.")
        if max(least, most or 0) > MOST_STEPS:
            raise SqlError.unsupported(f"a PATTERN of more than {MOST_STEPS} steps")
        if most is None and found.can_be_empty:
            # Pattern languages do not agree on what that matches, and Snowflake's pages do not say.
            raise SqlError.unsupported("a PATTERN that repeats without an end what may match no row")
        return Pattern("times", parts=(found,), least=least, most=most, greedy=not self._accept("?"))

    def _primary(self, *, excluded: bool) -> Pattern | None:
        token = self.tokens[self.at] if self.at < len(self.tokens) else None
        following = self.tokens[self.at + 1].text if self.at + 1 < len(self.tokens) else ""
        if token is None:
            return None
        if token.text in {"^", "$"}:
            self.at += 1
            return Pattern("start" if token.text == "^" else "end")
        if self._accept("("):
            found = self.alternatives(excluded=excluded)
            self._expect(")")
            return found
        if token.text == "{" and following == "-":
            self.at += 2
            found = self.alternatives(excluded=True)
            self._expect("-")
            self._expect("}")
            return found
        if token.kind == WORD and token.upper == "PERMUTE" and following == "(":
            self.at += 1
            return self._permuted(excluded=excluded)
        if token.kind in {WORD, QUOTED}:
            self.at += 1
            return Pattern("symbol", token.value(), excluded=excluded)
        return None

    def _permuted(self, *, excluded: bool) -> Pattern:
        """PERMUTE(a, b): each order of them, in the order in which they are written."""
        self._expect("(")
        parts = [self.alternatives(excluded=excluded)]
        while self._accept(","):
            parts.append(self.alternatives(excluded=excluded))
        self._expect(")")
        if len(parts) > _MOST_PERMUTED:
            raise SqlError.unsupported(f"PERMUTE of more than {_MOST_PERMUTED} patterns")
        return Pattern("either", parts=tuple(Pattern("group", parts=order) for order in permutations(parts)))

    def _quantifier(self) -> tuple[int, int | None] | None:
        token = self.tokens[self.at] if self.at < len(self.tokens) else None
        if token is None:
            return None
        if token.text in _SIGNS:
            self.at += 1
            return _SIGNS[token.text]
        following = self.tokens[self.at + 1].text if self.at + 1 < len(self.tokens) else ""
        if token.text != "{" or following == "-":
            return None
        self.at += 1
        least = self._number()
        if not self._accept(","):
            if least is None:
                raise self.surprise()
            self._expect("}")
            return least, least
        most = self._number()
        if least is None and most is None:
            raise self.surprise()
        self._expect("}")
        return least or 0, most

    def _number(self) -> int | None:
        token = self.tokens[self.at] if self.at < len(self.tokens) else None
        if token is None or token.kind != NUMBER:
            return None
        self.at += 1
        found = whole_number(token.text)
        if found is None:
            raise SqlError.syntax("a quantifier of PATTERN is a whole number.")
        return found

    def _accept(self, text: str) -> bool:
        if self.at < len(self.tokens) and self.tokens[self.at].text == text:
            self.at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise self.surprise()
