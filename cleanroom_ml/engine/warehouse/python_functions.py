"""Functions in Python beside a statement: the front's side. Each statement that calls some has a process of its own for
them, in a sandbox without network, files or store, that sees the rows of their arguments and nothing else.

It ends with the statement, and what it says is a text: never a name, a code or a value that anything is decided by.
"""

from __future__ import annotations

import contextlib
import contextvars
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement

from cleanroom_ml.engine.sandbox.drivers import Driver
from cleanroom_ml.engine.sandbox.errors import WorkerCancelled, WorkerCrashed, WorkerError, WorkerTimeout
from cleanroom_ml.engine.sandbox.policy import MIB, WORKER_WEIGHT, Limits
from cleanroom_ml.engine.sandbox.worker import CallHandle
from cleanroom_ml.engine.sandbox.workers import SandboxedWorkers
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.resolve import transport
from cleanroom_ml.engine.sql.routines import UserFunction
from cleanroom_ml.engine.warehouse.python_signature import Signature

HANDLER: Final = "cleanroom_ml.engine.warehouse.python_worker:handle"
_PRELOAD: Final = ("numpy", "pandas", "pyarrow", "cleanroom_ml.engine.warehouse.python_worker")
_REPLY_BYTES: Final = MIB
_MOST_TEXT: Final = 20_000
_END_SECONDS: Final = 2.0


class PythonFunctions:
    """The processes of functions. They start with the first statement that calls one.

    Args:
        size: statements with functions at once; `spare`: as many more, each for somebody who has none.
        memory_bytes: of one statement's functions.
    """

    def __init__(
        self, size: int = 2, *, spare: int = 0, memory_bytes: int = 512 * MIB, driver: Driver | None = None
    ) -> None:
        self._size = size
        self._spare = spare
        self._limits = Limits(
            memory_bytes=memory_bytes,
            cpus=1.0,
            processes=64,
            scratch_bytes=256 * MIB,
            tmp_bytes=64 * MIB,
            file_bytes=256 * MIB,
            open_files=256,
            cpu_weight=WORKER_WEIGHT,
        )
        self._driver = driver
        self._lock = threading.Lock()
        self._workers: SandboxedWorkers | None = None
        self._closed = False

    @contextlib.contextmanager
    def beside(
        self, functions: Sequence[UserFunction], open_object: Callable[[str], int], *, zone: str, seconds: float
    ) -> Iterator[Running]:
        """The functions of one statement, ready to be called, until the block ends.

        Raises:
            SqlError: there is no process for them in time.
        """
        if len({each.owner for each in functions}) > 1:
            raise SqlError.unsupported("functions in Python of two owners in one statement")
        imports = {each.name: each.sha256 for function in functions for each in function.routine.imports}
        if len({(i.name, i.sha256) for f in functions for i in f.routine.imports}) != len(imports):
            raise SqlError.unsupported("functions that import different files of one name in one statement")
        ours, theirs = socket.socketpair()
        running = Running(ours, seconds)
        request: dict[str, object] = {
            "functions": [_described(each) for each in functions],
            "imports": list(imports),
            "zone": zone,
        }
        files: list[int] = []
        with contextlib.ExitStack() as opened:
            opened.callback(ours.close)
            opened.callback(theirs.close)
            for sha256 in imports.values():
                files.append(open_object(sha256))
                opened.callback(os.close, files[-1])
            context = contextvars.copy_context()
            thread = threading.Thread(
                target=context.run,
                args=(running.serve, self._pool(), request, theirs, files),
                name="functions",
                daemon=True,
            )
            thread.start()
            try:
                running.started.wait()
                running.check()
                yield running
            finally:
                ours.close()  # it reads the end, and ends
                thread.join(_END_SECONDS)
                running.kill()
                thread.join()

    def trim(self) -> None:
        """Stop spare processes that nobody has needed for a while."""
        if self._workers is not None:
            self._workers.trim()

    def close(self) -> None:
        """Stop all of them. Idempotent."""
        with self._lock:
            self._closed = True
            workers = self._workers
        if workers is not None:
            workers.close()

    def _pool(self) -> SandboxedWorkers:
        with self._lock:
            if self._closed:
                raise SqlError.cancelled()
            if self._workers is None:
                self._workers = SandboxedWorkers(
                    HANDLER,
                    preload=_PRELOAD,
                    size=self._size,
                    spare=self._spare,
                    limits=self._limits,
                    name="functions",
                    reply_bytes=_REPLY_BYTES,
                    driver=self._driver,
                )
            return self._workers


class Running:
    """The functions of one statement while it runs."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self.connection = connection
        self.started = threading.Event()
        self._deadline = time.monotonic() + seconds
        self._seconds = seconds
        self._handle: CallHandle | None = None
        self._ended = threading.Event()
        self._answer: dict[str, object] = {}
        self._failure: WorkerError | None = None

    def serve(
        self, workers: SandboxedWorkers, request: dict[str, object], theirs: socket.socket, files: Sequence[int]
    ) -> None:
        """In a thread of its own: the call that lasts as long as the statement."""

        def begun(handle: CallHandle) -> None:
            self._handle = handle
            self.started.set()

        try:
            fds = [theirs.fileno(), *files]
            left = max(0.001, self._deadline - time.monotonic())
            self._answer = workers.call(request, fds, timeout_seconds=left, on_start=begun)
        except WorkerError as error:
            self._failure = error
        finally:
            theirs.close()
            self._ended.set()
            self.started.set()

    def kill(self) -> None:
        """End it, whatever it does."""
        if self._handle is not None and not self._ended.is_set():
            self._handle.cancel()

    def end(self, seconds: float) -> None:
        """Wait for its end, for so long."""
        self._ended.wait(seconds)

    def answer(self) -> dict[str, object]:
        """What it gave. Raises SqlError: it failed."""
        self.check()
        return self._answer

    def check(self) -> None:
        """Raises SqlError where the functions failed; called when the statement failed, it waits for their answer."""
        if self._failure is not None:
            raise _of_worker(self._failure, self._seconds)
        error = self._answer.get("error")
        if isinstance(error, dict):
            raise _of_code(error)

    def explain(self) -> None:
        """`check`, once the functions have said what there is to say."""
        self._ended.wait(_END_SECONDS)
        self.check()


def check_packages(packages: Sequence[str]) -> None:
    """Refuses packages that functions cannot have: those that are not installed where the engine is.

    Raises:
        SqlError: one is not there, or not in a version that is asked for.
    """
    for text in packages:
        try:
            wanted = Requirement(text)
            version = metadata.version(wanted.name)
        except (InvalidRequirement, metadata.PackageNotFoundError):
            raise _no_package(f"{text} is not installed where the engine is") from None
        if not wanted.specifier.contains(version, prereleases=True):
            raise _no_package(f"{text}: version {version} is what is installed")


def signature_of(function: UserFunction, called: str = "") -> Signature:
    """What both sandboxes are told of a function's types, and what the statement calls it."""
    routine = function.routine
    return {
        "called": called,
        "parameters": [str(each.type) for each in routine.parameters],
        "names": [each.name for each in routine.parameters],
        "returns": None if routine.returns is None else str(routine.returns),
        "columns": [str(found) for _, found in routine.columns],
        "aggregate": routine.aggregate,
        "partitioned": function.partitioned,
        "takes": transport.takes(function),
        "gives": transport.gives(function),
    }


def _described(function: UserFunction) -> dict[str, object]:
    routine = function.routine
    return {
        "name": routine.name,
        "handler": routine.handler,
        "body": routine.body,
        "strict": routine.strict,
        "silent": function.silent,
        "signature": signature_of(function),
    }


def _of_worker(error: WorkerError, seconds: float) -> SqlError:
    if isinstance(error, WorkerCancelled):
        return SqlError.cancelled()
    if isinstance(error, WorkerTimeout):
        return SqlError.timed_out(seconds)
    if isinstance(error, WorkerCrashed) and error.out_of_memory:
        return _interpreter("Function available memory exhausted.")
    return _interpreter("The process of the function ended.")


def _of_code(error: dict[str, object]) -> SqlError:
    """What a party's code says of its own error: text, bounded, without what a terminal would act on."""
    if error.get("kind") == "memory":
        return _interpreter("Function available memory exhausted.")
    text, name = str(error.get("text"))[:_MOST_TEXT], str(error.get("function"))[:255]
    shown = "".join(char if char.isprintable() or char == "\n" else "?" for char in f"{text}\n in function {name}")
    return _interpreter(shown)


def _interpreter(text: str) -> SqlError:
    return SqlError(100357, "P0000", f"Python Interpreter Error:\n{text}")


def _no_package(what: str) -> SqlError:
    return SqlError(
        391546,
        "22023",
        "SQL compilation error: Cannot create a Python function with the specified packages. "
        f"Please check your packages specification and try again. {what[:300]}.",
    )
