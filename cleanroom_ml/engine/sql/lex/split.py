"""Text → statements, with bounds on size and nesting that hold before any recursive parser sees the text."""

from __future__ import annotations

from cleanroom_ml.engine.sql.lex.tokens import statements, tokenize


def split(text: str) -> list[str]:
    """The statements of a text, each as written, without its semicolon and the comments around it; a scripting block
    is one statement.

    Raises:
        SqlError: a literal or comment is not closed, or the text is over the bounds.
    """
    return [text[found[0].start : found[-1].end] for found in statements(tokenize(text))]
