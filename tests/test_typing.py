"""How much of the package is typed: `Any` switches the type checker off, and what it hides is found by users."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1] / "cleanroom_ml"

MOST_ANY = 0.03
"""The share of annotations with `Any` in them. An alias that stands for it counts once, and says why (below)."""


def annotations(tree: ast.AST) -> Iterator[ast.expr]:
    """Of arguments, of what functions return, and of variables and fields."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            given = node.args
            several = [each for each in (given.vararg, given.kwarg) if each is not None]
            for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs, *several):
                if argument.annotation is not None:
                    yield argument.annotation
            if node.returns is not None:
                yield node.returns
        elif isinstance(node, ast.AnnAssign):
            yield node.annotation


def uses_any(tree: ast.AST) -> bool:
    return any(
        (isinstance(node, ast.Name) and node.id == "Any") or (isinstance(node, ast.Attribute) and node.attr == "Any")
        for node in ast.walk(tree)
    )


def imports_any(tree: ast.AST) -> bool:
    return any(
        isinstance(node, ast.ImportFrom) and node.module == "typing" and "Any" in {alias.name for alias in node.names}
        for node in ast.walk(tree)
    )


def says_why(source: str) -> bool:
    """Whether a comment or a docstring gives the reason: `Any: …`, `Any, as …`."""
    return any(
        token.type in (tokenize.COMMENT, tokenize.STRING) and re.search(r"`Any`|\bAny[:,]", token.string)
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
    )


def test_annotations_are_counted_wherever_they_stand() -> None:
    source = """
x: Any = 1
class C:
    y: dict[str, typing.Any]
    def f(self, a: int, /, b: Any, *c: Any, d: list[Any], **e: Any) -> Any: ...
async def g(a: str) -> None: ...
"""
    found = list(annotations(ast.parse(source)))
    assert (sum(map(uses_any, found)), len(found)) == (7, 10)


def test_almost_nothing_is_any() -> None:
    found = [
        annotation
        for path in ROOT.rglob("*.py")
        for annotation in annotations(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert sum(map(uses_any, found)) / len(found) < MOST_ANY


def test_what_is_any_says_why() -> None:
    """`runtime` alone is left out: nearly all of its `Any` is what the machine-learning libraries take."""
    silent = [
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        if "runtime" not in path.relative_to(ROOT).parts
        for source in [path.read_text(encoding="utf-8")]
        if imports_any(ast.parse(source)) and not says_why(source)
    ]
    assert not silent
