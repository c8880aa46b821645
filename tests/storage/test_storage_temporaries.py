"""Whose a session's temporary things are reaches whoever asks, in whichever thread a statement goes on."""

from __future__ import annotations

import ast
import contextvars
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import cleanroom_ml.engine
from cleanroom_ml.engine.storage import temporaries

ENGINE = Path(cleanroom_ml.engine.__file__).parent
REACHED = ("rooms", "sql", "statements", "storage", "warehouse")
"""The rooms that a statement is in once it has begun; who starts it, in threads of their own, is `queries`."""
STARTS = ("Thread", "Timer", "ThreadPoolExecutor", "start_new_thread", "run_in_executor", "to_thread")


def test_what_is_seen_and_made_is_so_inside_alone() -> None:
    assert (temporaries.role(), temporaries.seen()) == ("", None)
    with temporaries.made_by("READER"), temporaries.only_of(frozenset({"B", "A"})):
        assert (temporaries.role(), temporaries.seen()) == ("READER", '["A", "B"]')
        with temporaries.only_of(frozenset()):
            assert temporaries.seen() == "[]"
    assert (temporaries.role(), temporaries.seen()) == ("", None)


def bare(source: str) -> list[int]:
    """Lines of code that start a thread in another context than their own."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in STARTS:
            targets = [ast.unparse(each.value) for each in node.keywords if each.arg == "target"]
            if not any(target in ("context.run", "contextvars.copy_context().run") for target in targets):
                found.append(node.lineno)
    return found


@pytest.mark.attack
def test_a_statement_goes_on_in_its_own_context_in_every_thread() -> None:
    """Else a procedure with its owner's rights would see in there what the caller's other roles have made."""
    seen: list[str | None] = []

    def look() -> None:
        seen.append(temporaries.seen())

    with temporaries.only_of(frozenset({"OWNER"})):
        context = contextvars.copy_context()
        targets: list[Callable[[], object]] = [lambda: context.run(look), look]
        for target in targets:
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
    assert seen == ['["OWNER"]', None], "a thread that is started without it sees everything"
    places = [
        f"{path.relative_to(ENGINE)}:{line}"
        for room in REACHED
        for path in (ENGINE / room).rglob("*.py")
        if any(word in (source := path.read_text(encoding="utf-8")) for word in STARTS)
        for line in bare(source)
    ]
    assert places == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("threading.Thread(target=contextvars.copy_context().run, args=(serve,)).start()", []),
        ("Thread(target=serve, daemon=True)", [1]),
        ("\nwith ThreadPoolExecutor(2) as pool:\n    pool.map(serve, rows)", [2]),
    ],
)
def test_a_thread_of_its_own_context_is_noticed(source: str, lines: list[int]) -> None:
    assert bare(source) == lines
