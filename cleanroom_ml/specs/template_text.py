"""What a template's body says, read without running it: the code it calls, and where a value enters SQL unbound.

Both readers over-report rather than miss: a call in a comment counts. Text in the body is hostile, and what they find
is shown to the people who approve. The engine parses the rendered statement for itself; nothing here
authorises anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

_PART = r'(?:"((?:[^"]|"")+)"|([A-Za-z_][A-Za-z0-9_$]*))'
_CALL = re.compile(rf'(?<![A-Za-z0-9_$])(?:"CLEANROOM"|(?i:cleanroom))\s*\.\s*{_PART}')


class CodeCall(NamedTuple):
    """`cleanroom.<code_spec_name>$<callable>` in a body; names are as written, `text` is what stands there."""

    code_spec_name: str
    callable_name: str
    line: int
    text: str


class SqlsafeExpression(NamedTuple):
    """An expression whose value enters the SQL as it is, through the filter `sqlsafe`.

    Attributes:
        expression: the text between the braces, stripped.
        line: 1-based line of the body where the braces open.
        names: the variables it uses, in order of appearance.
    """

    expression: str
    line: int
    names: tuple[str, ...]


def code_calls(body: str) -> list[CodeCall]:
    """Every reference to a callable of a code spec, in order of appearance."""
    found = []
    line = LineCounter(body)
    for match in _CALL.finditer(body):
        name = match[1].replace('""', '"') if match[1] is not None else match[2]
        code_spec, dollar, called = name.partition("$")
        if dollar and code_spec and called:
            found.append(CodeCall(code_spec, called, line.at(match.start()), match[0]))
    return found


class LineCounter:
    """Line numbers of growing offsets, each character counted once: counting anew takes minutes in a hostile body."""

    def __init__(self, body: str) -> None:
        self._body = body
        self._offset = 0
        self._line = 1

    def at(self, offset: int) -> int:
        self._line += self._body.count("\n", self._offset, offset)
        self._offset = offset
        return self._line


# As Jinja's own lexer reads it: strings, numbers and names inside braces, closing braces counted. A string that is not
# closed, to Jinja an error, goes to the end here: no quote makes the rest of the text be read once more.
_RAW_BLOCK = re.compile(r"\{%[-+]?\s*raw\s*[-+]?%\}(.*?)(?:\{%[-+]?\s*endraw\s*[-+]?%\}|\Z)", re.DOTALL)
_OPEN = re.compile(r"\{[{%#]")
_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<string>'(?:[^'\\]|\\.|\\\Z)*+(?:'|\Z)|"(?:[^"\\]|\\.|\\\Z)*+(?:"|\Z))
      | (?P<name>[^\W\d]\w*)
      | (?P<number>\d[\w.]*)
      | (?P<other>.)""",
    re.DOTALL | re.VERBOSE,
)
_WORDS = frozenset(
    {"and", "else", "for", "if", "in", "is", "not", "or", "true", "false", "none", "True", "False", "None"}
)


def sqlsafe_expressions(body: str) -> list[SqlsafeExpression]:
    """Every `{{ … }}` or `{% … %}` that applies the filter `sqlsafe`, however it is spaced or chained."""
    found = []
    lines = LineCounter(body)
    for start, _, tokens, text in _pieces(body):
        if any(token == "sqlsafe" and before in ("|", "filter") for before, token in _pairs(tokens)):
            line = lines.at(start)
            found.append(SqlsafeExpression(text.strip(), line, _names(tokens, block=body.startswith("{%", start))))
    return found


class Expression(NamedTuple):
    """One `{{ … }}` of a body.

    Attributes:
        text: what stands between the braces, stripped.
        line: 1-based line of the body where the braces open.
        names: the variables it uses, in order of appearance.
        filters: the filters it applies, in order of appearance.
        start, end: its offsets in the body, braces included.
    """

    text: str
    line: int
    names: tuple[str, ...]
    filters: tuple[str, ...]
    start: int
    end: int


def expressions(body: str) -> list[Expression]:
    """Every `{{ … }}` that Jinja evaluates, in order of appearance."""
    lines = LineCounter(body)
    found = []
    for start, end, tokens, text in _pieces(body):
        if not body.startswith("{{", start):
            continue
        filters = tuple(name for before, name in _pairs(tokens) if before == "|")
        found.append(Expression(text.strip(), lines.at(start), _names(tokens, block=False), filters, start, end))
    return found


class Masked(NamedTuple):
    """The SQL of a body over all of its branches at once.

    Attributes:
        text: with `mark`, n, `mark` in the place of the n-th expression, and `block` in that of each tag of a block.
            Comments of Jinja are gone without a trace, as they are when it renders.
        mark, block: characters that occur nowhere in the body.
        offsets: (offset in `text`, offset in the body) where each piece of SQL begins, ascending.
    """

    text: str
    mark: str
    block: str
    offsets: tuple[tuple[int, int], ...]


def masked(body: str) -> Masked:
    """The SQL of a body, with marks in the places of what is Jinja's."""
    used = set(body)
    free = (char for char in map(chr, range(0xE000, 0xF8FF)) if char not in used)
    mark, block = next(free), next(free)
    pieces: list[str] = []
    offsets = []
    at = number = length = 0
    for start, end, kind, _, _ in _scan(body):
        offsets.append((length, at))
        instead = {"expression": f"{mark}{number}{mark}", "block": block}.get(kind, "")
        number += kind == "expression"
        pieces += [body[at:start], instead]
        length += start - at + len(instead)
        at = end
    offsets.append((length, at))
    return Masked("".join((*pieces, body[at:])), mark, block, tuple(offsets))


def assignments(body: str) -> dict[str, frozenset[str]]:
    """What a template's own variables are made of: the names in `{% set x = … %}`, `{% for x in … %}`, `{% with … %}`.

    A name that is made in another way (a macro's parameter, a block that is captured) is made of everything: `*`.
    """
    made: dict[str, set[str]] = {}
    for start, _, tokens, _ in _pieces(body):
        words = [text for _, text in tokens]
        if not body.startswith("{%", start) or not words:
            continue
        splits = {"set": "=", "with": "=", "for": "in"}
        split = splits.get(words[0])
        if split is not None and split in words:
            at = words.index(split)
            targets = [text for kind, text in tokens[1:at] if kind == "name"]
            sources = set(_names(tokens[at + 1 :], block=False))
        elif words[0] in ("macro", "set", "call", "with"):
            targets, sources = [text for kind, text in tokens[1:] if kind == "name"], {"*"}
        else:
            continue
        for target in targets:
            made.setdefault(target, set()).update(sources)
    return {name: frozenset(sources) for name, sources in made.items()}


def variable_names(body: str) -> frozenset[str]:
    """Every name that a block or an expression uses, those that the template makes itself among them.

    More than are variables from outside, never fewer.
    """
    found: set[str] = set()
    for start, _, tokens, _ in _pieces(body):
        found.update(_names(tokens, block=body.startswith("{%", start)))
    return frozenset(found)


def _pieces(body: str) -> Iterator[tuple[int, int, list[tuple[str, str]], str]]:
    """(start, end, tokens, text) of each block and expression. Tokens are (kind, text), without spaces."""
    for start, end, kind, tokens, text in _scan(body):
        if kind in ("block", "expression"):
            yield start, end, tokens, text


def _scan(body: str) -> Iterator[tuple[int, int, str, list[tuple[str, str]], str]]:
    """(start, end, kind, tokens, text) of each expression, block and comment, and of the tags around raw text."""
    at = 0
    while match := _OPEN.search(body, at):
        opening = match.group()
        if opening == "{#":
            end = body.find("#}", match.end())
            at = len(body) if end < 0 else end + 2
            yield match.start(), at, "comment", [], ""
            continue
        raw = _RAW_BLOCK.match(body, match.start())
        if raw:
            at = raw.end()
            yield match.start(), raw.start(1), "raw", [], ""
            yield raw.end(1), at, "raw", [], ""
            continue
        first = match.end() + (1 if body[match.end() : match.end() + 1] in ("-", "+") else 0)
        tokens, last, at = _tokens(body, first, "}}" if opening == "{{" else "%}")
        yield match.start(), at, "expression" if opening == "{{" else "block", tokens, body[first:last]


def _tokens(body: str, at: int, closing: str) -> tuple[list[tuple[str, str]], int, int]:
    """Tokens up to the closing braces, the offset where the text ends, and the offset after the braces."""
    tokens: list[tuple[str, str]] = []
    depth = 0
    while at < len(body):
        if depth == 0:
            signed = body[at : at + 1] in ("-", "+") and body.startswith(closing, at + 1)
            if signed or body.startswith(closing, at):
                return tokens, at, at + len(closing) + signed
        token = _TOKEN.match(body, at)
        assert token is not None
        if token.lastgroup != "space":
            tokens.append((str(token.lastgroup), token.group()))
            depth = max(0, depth + {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(token.group(), 0))
        at = token.end()
    return tokens, at, at


def _pairs(tokens: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    return pairwise(["", *(text for _, text in tokens)])


def _names(tokens: list[tuple[str, str]], *, block: bool) -> tuple[str, ...]:
    """Names that are neither filters, tests, attributes nor words of the language; keyword arguments are kept."""
    names: dict[str, None] = {}
    before = ""
    for index, (kind, text) in enumerate(tokens):
        statement = block and index == 0
        if kind == "name" and not statement and before not in ("|", ".", "is", "filter") and text not in _WORDS:
            names[text] = None
        before = text
    return tuple(names)
