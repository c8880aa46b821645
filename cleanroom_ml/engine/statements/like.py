"""LIKE for SHOW: no regular expression, because a hostile one would hold the front's interpreter lock."""

from __future__ import annotations


def like(pattern: str, text: str) -> bool:
    """Whether `text` is like `pattern`: `%` any characters, `_` one, `\\` takes the next as it is; case does not count.

    Time is at most the product of both lengths.
    """
    tokens = _tokens(pattern.upper())
    upper = text.upper()
    at = token_at = 0
    retry: tuple[int, int] | None = None
    while at < len(upper):
        token = tokens[token_at] if token_at < len(tokens) else None
        if token is not None and token != ("%", True) and (token == ("_", True) or token[0] == upper[at]):
            at += 1
            token_at += 1
        elif token == ("%", True):
            retry = (at, token_at)
            token_at += 1
        elif retry is not None:
            retry = (retry[0] + 1, retry[1])
            at, token_at = retry[0], retry[1] + 1
        else:
            return False
    return all(token == ("%", True) for token in tokens[token_at:])


def _tokens(pattern: str) -> list[tuple[str, bool]]:
    """Characters, each with whether it is a wildcard."""
    tokens: list[tuple[str, bool]] = []
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            tokens.append((next(characters, "\\"), False))
        else:
            tokens.append((character, character in "%_"))
    return tokens
