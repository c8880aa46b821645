"""An error as a target tells it, cut to what a person needs: its name, its message, the procedure, the query.

Source of the forms: `service-behaviour.md`, "Errors as they arrive". A clean room's procedures are Python, and answer
with the interpreter's traceback, or with `**FAILURE**` around the error of a statement inside of them; either may stand
around the other. The embedded engine answers `<name>: <message>`.

The text is another's: it is bounded before it is read, and what reads it goes over each line once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MOST_READ: Final = 256 * 1024
"""Characters of an error that are looked at; the service's own bound of a message is far below."""
MOST_TOLD: Final = 16 * 1024
MOST_LINES: Final = 600
"""A mismatch names up to 500 files, one a line."""
_LAYERS: Final = 12

_QUERY = r"(?P<query>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
_LAYER: Final = re.compile(
    r"\s*(?:"
    r"(?P<code>\d{5,6})(?: \((?P<state>[0-9A-Z]{5})\))?:"
    rf"|\(\d{{4}}\):|{_QUERY}:"
    r"|Python Interpreter Error:|SQL execution error:|Exception:|\*\*FAILURE\*\*:"
    r"|Received error(?:, observed)?:|Uncaught exception of type '\w+'(?: on line \d+ at position \d+)? ?:"
    r"|(?:[a-z_]\w*\.)+(?:SnowparkSQLException|ProgrammingError|DatabaseError):"
    r")[ \t]*"
)
_TRACEBACK: Final = "Traceback (most recent call last):"
_NAMED: Final = re.compile(
    r"(?P<module>(?:[a-z_]\w{0,80}\.){0,20})(?P<name>[A-Z][A-Za-z]{2,80})(?::[ \n]?(?P<message>.*)|\Z)", re.DOTALL
)
_EXCEPTION_LINE: Final = re.compile(r"(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?::|\Z)")
_SERVICE_LINE: Final = re.compile(r"navlib\.[\w.]*[A-Z]\w*(?::|\Z)")
_CHAINED: Final = ("During handling of the above exception", "The above exception was the direct cause")
_IN_FUNCTION: Final = re.compile(r"\s*\bin function (?P<procedure>[A-Za-z_$][\w$.]{0,255}) with handler \w{1,255}\s*\Z")
# What is an error's name also where no module stands before it, and inside of a text.
_SUFFIX: Final = re.compile(r"(?:Error|Exception|InDataOffering|InCollaboration|WithoutDataOffering)\Z")


@dataclass(frozen=True, slots=True)
class ErrorText:
    """What an error says. `name`: as the clean room calls it, None where it has none; `code`, `sqlstate`: of the
    innermost statement that failed, where the text tells them."""

    message: str
    name: str | None = None
    procedure: str | None = None
    query_id: str | None = None
    code: int | None = None
    sqlstate: str | None = None

    @property
    def what(self) -> str:
        """One text for a person: `<name>: <message>`."""
        return f"{self.name}: {self.message}" if self.name else self.message


def read_error(text: str, names: frozenset[str] = frozenset()) -> ErrorText:
    """Cut the text of an error to its parts; a text of no known form is its message.

    Args:
        names: names that are an error's without a module and without one of the usual endings.
    """
    left = _bounded_input(text).strip()
    name = procedure = query = sqlstate = None
    code: int | None = None
    for _ in range(_LAYERS):
        left, found = _without_function(left)
        procedure = procedure or found
        if match := _LAYER.match(left):
            query = query or match["query"]
            code, sqlstate = (int(match["code"]), match["state"]) if match["state"] else (code, sqlstate)
            left = left[match.end() :].lstrip()
        elif left.startswith(_TRACEBACK):
            left = _after_traceback(left)
        elif name is None and (named := _NAMED.match(left)) and _is_name(named, names):
            name, left = named["name"], (named["message"] or "").lstrip()
        else:
            break
    return ErrorText(_bounded(left.strip()), name, procedure, query, code, sqlstate)


def _is_name(match: re.Match[str], names: frozenset[str]) -> bool:
    if match["module"].startswith(("navlib.", "snowflake.")):
        return True
    return match["name"] in names or bool(_SUFFIX.search(match["name"]))


def _without_function(text: str) -> tuple[str, str | None]:
    """The text without its last line ` in function X with handler main`, and X."""
    at = text.rfind("in function ")
    match = _IN_FUNCTION.search(text, max(0, at - 8)) if at >= 0 else None
    return (text[: match.start()].rstrip(), match["procedure"]) if match else (text, None)


def _after_traceback(text: str) -> str:
    """What the interpreter says after its frames.

    The service's own exception ends it: what comes after one, a script's traceback say, is its message. Of others that
    were raised while another was handled, the last.
    """
    lines = text.split("\n")
    found: int | None = None
    chained = False
    for number, line in enumerate(lines[1:], 1):
        if _SERVICE_LINE.match(line):
            return "\n".join(lines[number:])
        if line.startswith(_CHAINED):
            chained = True
        elif (found is None or chained) and _EXCEPTION_LINE.match(line):
            found, chained = number, False
    if found is not None:
        return "\n".join(lines[found:])
    # Frames alone, or an exception written in no way that is known: its last line is what says most.
    said = [line for line in lines[1:] if line.strip()]
    return said[-1].strip() if said else "the procedure failed, and did not say why"


def _bounded_input(text: str) -> str:
    """An error's name is at its beginning, or after the frames at its end."""
    if len(text) <= MOST_READ:
        return text
    return text[: MOST_READ // 2] + "\n" + text[-MOST_READ // 2 :]


def _bounded(message: str) -> str:
    lines = message.split("\n")
    if len(lines) > MOST_LINES:
        message = "\n".join([*lines[:MOST_LINES], f"… {len(lines) - MOST_LINES:,} more lines"])
    if len(message) > MOST_TOLD:
        message = f"{message[:MOST_TOLD]}… {len(message) - MOST_TOLD:,} more characters"
    return message
