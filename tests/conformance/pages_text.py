"""The SQL that a page of documentation prints: its fenced blocks, their statements, and what of it is no statement."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cleanroom_ml.engine.sql.lex.split import statements
from cleanroom_ml.engine.sql.lex.tokens import tokenize

_FENCE = re.compile(r"^[> \t]*```")
_HEADING = re.compile(r"^#+ +(.*)$")
_VERBS = frozenset(
    ["ALTER", "BEGIN", "CALL", "COMMENT", "COPY", "CREATE", "DECLARE", "DELETE", "DESC", "DESCRIBE", "DROP", "EXECUTE",
     "GET", "GRANT", "INSERT", "LIST", "LS", "MERGE", "PUT", "REMOVE", "REVOKE", "RM", "SELECT", "SET", "SHOW",
     "TRUNCATE", "UNSET", "UPDATE", "USE", "WITH"]
)  # fmt: skip
_SYNTAX = re.compile(r"^[A-Z_]+\(")
_FIRST_API = re.compile(r"samooha_by_snowflake_local_db\s*\.\s*(provider|consumer)\s*\.", re.IGNORECASE)
_DOLLARS = re.compile(r"\$\$.*?\$\$", re.DOTALL)
_PLACEHOLDER = re.compile(r"<[A-Za-z][A-Za-z0-9_ ]*>")
_REFUSED = re.compile(r"\bThis will fail\b|\bFAILS because\b|\bNot supported\b")
_SWITCH = re.compile(r"\bSWITCH TO\b")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as printed. `why_not` says why it is none to run; `refused`: the page says that it fails."""

    text: str
    heading: str
    block: int
    piece: int
    """How many places lie before it in its block where the page goes over to somebody else."""
    refused: bool = False
    why_not: str = ""


@dataclass(slots=True)
class Printed:
    """What a page prints: its statements in order, and how many of its blocks hold something else."""

    statements: list[Statement] = field(default_factory=list)
    other_blocks: int = 0

    def of(self, block: int, piece: int | None) -> list[Statement]:
        """The statements of a block, or of one piece of it."""
        return [each for each in self.statements if each.block == block and piece in (None, each.piece)]


def read(text: str, *, worksheet: bool = False, cuts: tuple[str, ...] = ()) -> Printed:
    """The statements of a page. A worksheet is one block; `cuts` are patterns before which its pieces are cut too.

    A block is counted where it holds a statement, or what looks like one: blocks of YAML, Python or of a log hold none.
    """
    found, number = Printed(), 0
    for heading, block in [("", text)] if worksheet else _blocks(text):
        first = _first_word(block)
        if _SYNTAX.match(first):
            lines = " ".join(block.split())
            found.statements.append(Statement(lines, heading, number, 0, why_not="the form of a call, not a call"))
        elif first.upper() in _VERBS:
            found.statements.extend(_statements(block, heading, number, cuts))
        else:
            found.other_blocks += 1
            continue
        number += 1
    return found


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """Each fenced block with the heading that it stands below. A block may be indented, or inside of a quotation."""
    heading, inside, lines = "", False, list[str]()
    for line in text.splitlines():
        if _FENCE.match(line):
            if inside:
                yield heading, "\n".join(lines)
            inside, lines = not inside, []
        elif inside:
            lines.append(line[1:] if line.startswith(">") else line)
        elif found := _HEADING.match(line):
            heading = found[1].replace("\\_", "_")


def _first_word(block: str) -> str:
    without = re.sub(r"/\*.*?\*/", "", block, flags=re.DOTALL)
    code = (line.strip() for line in without.splitlines())
    first = next((line for line in code if line and not line.startswith("--")), "")
    return first if _SYNTAX.match(first) else (re.match(r"\w*", first) or [""])[0]


def _statements(block: str, heading: str, number: int, cuts: tuple[str, ...]) -> Iterator[Statement]:
    piece, end = 0, 0
    for tokens in statements(tokenize(block)):
        before, text = block[end : tokens[0].start], block[tokens[0].start : tokens[-1].end]
        end = tokens[-1].end
        if _SWITCH.search(before) or any(re.search(cut, before + text) for cut in cuts):
            piece += 1
        yield Statement(text, heading, number, piece, bool(_REFUSED.search(before)), _why_not(text))


def _why_not(text: str) -> str:
    if _FIRST_API.search(text):
        return "of the first API (provider and consumer procedures), which is being discontinued"
    if "{{" in _DOLLARS.sub("", text):
        return "the text of a template, which runs inside of a room"
    return ""


def filled(text: str, values: Mapping[str, str]) -> str:
    """A statement with its placeholders replaced: `<…>` as it stands, and whole words.

    Raises:
        LookupError: a placeholder that nobody has a value for.
    """
    for name, value in values.items():
        exact = re.escape(name)
        text = re.sub(exact if name.startswith(("<", "[")) else rf"(?<![\w$]){exact}(?!\w)", lambda _, v=value: v, text)
    if left := _PLACEHOLDER.search(text):
        raise LookupError(left[0])
    return text
