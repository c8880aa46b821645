"""`Warehouse`: the front's side of the SQL workers. It moves descriptors and file names, never rows."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from cleanroom_ml.engine.contracts.kept import Kept
from cleanroom_ml.engine.contracts.limits import MAX_COLUMNS
from cleanroom_ml.engine.contracts.statement_time import DEFAULT_SECONDS
from cleanroom_ml.engine.sandbox.errors import WorkerError
from cleanroom_ml.engine.sandbox.policy import GIB, WORKER_WEIGHT, Limits
from cleanroom_ml.engine.sandbox.workers import SandboxedWorkers
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.catalog import FileOptions, StagedSource
from cleanroom_ml.engine.sql.compiled import Compiled
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.files.infer import compile_file, inferred, told_apart
from cleanroom_ml.engine.sql.files.staged import distinct
from cleanroom_ml.engine.sql.routines import called_as
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.warehouse import answers
from cleanroom_ml.engine.warehouse.failures import from_answer, from_worker
from cleanroom_ml.engine.warehouse.outcomes import Batch, InferredColumn, Rejected, ResultColumn, Spooled, Written
from cleanroom_ml.engine.warehouse.python_functions import PythonFunctions, check_packages, signature_of

_PRELOAD: Final = ("duckdb", "pyarrow", "pyarrow.parquet", "pyarrow.compute", "cleanroom_ml.engine.warehouse.worker")
_QUERY_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,80}\Z")


class Objects(Protocol):
    """What a warehouse needs of `storage.ObjectStore`."""

    def open(self, sha256: str) -> int: ...
    def create_output(self) -> tuple[int, Path]: ...
    def adopt(self, path: Path) -> str: ...


_OF_SPOOLED: Final = Compiled("SELECT * FROM _spooled", (), "0" * 32)


def start_workers(
    size: int = 2,
    *,
    memory_bytes: int = 3 * GIB,
    spare: int = 0,
    spare_memory_bytes: int | None = None,
    threads: int = 2,
) -> SandboxedWorkers:
    """The workers of a warehouse (see there for what is given), which several can share: they keep nothing."""
    return SandboxedWorkers(
        handler="cleanroom_ml.engine.warehouse.worker:handle",
        preload=_PRELOAD,
        size=size,
        spare=spare,
        spare_memory_bytes=spare_memory_bytes,
        limits=Limits(
            memory_bytes=memory_bytes,
            cpus=float(threads),
            scratch_bytes=8 * GIB,
            file_bytes=64 * GIB,
            open_files=8192,
            cpu_weight=WORKER_WEIGHT,
        ),
        name="warehouse",
    )


class Warehouse:
    """Runs compiled statements in sandboxed workers. Thread-safe; every method blocks.

    Args:
        objects: where inputs are opened and outputs are adopted.
        spool: directory for results, `<query_id>.arrows` each; made 0700.
        size: statements at once.
        spare: how many more, each for somebody who would have none.
        spare_memory_bytes: of one of those, where it is less.
        memory_bytes: of one statement, Python and Arrow included; DuckDB gets 60 % of it and spills past that.
        threads: of one statement.
        functions: the processes of functions in Python; none are started before a statement calls one.
        workers: the workers, where a caller brings its own (tests); otherwise they are started here.
    """

    def __init__(
        self,
        objects: Objects,
        spool: Path,
        size: int = 2,
        *,
        memory_bytes: int = 3 * GIB,
        spare: int = 0,
        spare_memory_bytes: int | None = None,
        threads: int = 2,
        workers: SandboxedWorkers | None = None,
        functions: PythonFunctions | None = None,
    ) -> None:
        self._objects = objects
        self._spool = spool
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        spool.chmod(0o700)
        self._functions = functions or PythonFunctions()
        self._workers = workers or start_workers(
            size, memory_bytes=memory_bytes, spare=spare, spare_memory_bytes=spare_memory_bytes, threads=threads
        )

    def query(
        self,
        compiled: Compiled,
        *,
        query_id: str,
        timeout: float = DEFAULT_SECONDS,
        keep: Kept | None = None,
        texts: bool = False,
    ) -> Spooled:
        """Run a query and spool its result, with `texts` as JSON too. With `keep`, where a process may serve it that
        served the same session before (`sandbox.workers`). Raises SqlError.
        """
        path = self._spool_path(query_id)
        output = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            request: dict[str, object] = {"op": "query", "texts": texts, "indent": compiled.indent}
            request["seconds"] = answers.seconds(compiled.kinds) if texts else []
            answer = self._call(request, compiled, query_id, timeout, output=output, keep=keep)
            columns = answers.declared(answers.columns(answer, query_id), compiled.kinds)
            size = os.fstat(output).st_size
            batches = answers.batches(answer, size, query_id)
            written = answers.texts(answer, batches, size, query_id) if texts else None
        except BaseException:
            with contextlib.suppress(OSError):
                path.unlink()
            raise
        finally:
            os.close(output)
        return Spooled(
            path,
            answers.named(columns, compiled),
            tuple(Batch(*batch) for batch in batches),
            sum(rows for _, _, rows in batches),
            None if written is None else tuple(Batch(*each) for each in written),
        )

    def rows(
        self,
        compiled: Compiled,
        *,
        query_id: str,
        limit: int = 1000,
        timeout: float = DEFAULT_SECONDS,
    ) -> tuple[tuple[ResultColumn, ...], list[tuple[Value, ...]]]:
        """A small result as Python values (scripting, SET). Raises SqlError when it has more than `limit` rows."""
        answer = self._call({"op": "rows", "limit": limit}, compiled, query_id, timeout)
        columns = answers.declared(answers.columns(answer, query_id), compiled.kinds)
        if any(found.is_interval for _, found in columns):
            raise SqlError.unsupported("an INTERVAL as a value of a script")
        found = answers.rows(answer, columns, query_id)
        if len(found) > limit:
            raise SqlError.unsupported(f"a result of more than {limit} rows here")
        return answers.named(columns, compiled), found

    def examined(
        self, compiled: Compiled, *, query_id: str, timeout: float = DEFAULT_SECONDS
    ) -> tuple[tuple[Value, ...], Rejected]:
        """The one row of a query over a staged file, and the lines of that which are no rows. Raises SqlError."""
        answer = self._call({"op": "rows", "limit": 1}, compiled, query_id, timeout)
        found = answers.rows(answer, answers.columns(answer, query_id), query_id)
        if len(found) != 1:
            raise SqlError.internal(query_id)
        return found[0], Rejected(*answers.rejected(answer, query_id))

    def write(
        self,
        compiled: Compiled,
        columns: Sequence[tuple[str, SqlType]],
        *,
        query_id: str,
        timeout: float = DEFAULT_SECONDS,
        spooled: Spooled | None = None,
    ) -> Written:
        """Write a query's rows, cast to `columns` by position, as one Parquet object; with `spooled`, the query is of
        that result (`of_spooled`). Raises SqlError.

        What was written before a failure is not kept; rows that do not fit a column fail the statement.
        """
        output, path = self._objects.create_output()
        try:
            request = {
                "op": "write",
                "columns": [[name, str(found)] for name, found in columns],
                "operations": compiled.operations,
            }
            answer = self._call(request, compiled, query_id, timeout, output=output, columns=columns, spooled=spooled)
            counts = answers.counts(answer, query_id)
            bounds = answers.written_bounds(answer, columns, query_id)
            rejected = Rejected(*answers.rejected(answer, query_id))
            size = os.fstat(output).st_size
        except BaseException:
            with contextlib.suppress(OSError):
                path.unlink()
            raise
        finally:
            os.close(output)
        if not counts["rows"]:
            with contextlib.suppress(OSError):
                path.unlink()
            return Written(
                *(None, 0, 0, counts["updated"], counts["inserted"], counts["deleted"], counts["joined"]), rejected
            )
        sha256 = self._objects.adopt(path)
        changed = (counts["updated"], counts["inserted"], counts["deleted"], counts["joined"])
        return Written(sha256, counts["rows"], size, *changed, rejected, bounds)

    def of_spooled(self, spooled: Spooled, *, query_id: str, timeout: float = DEFAULT_SECONDS) -> Written:
        """A spooled result as one Parquet object in its columns. Raises SqlError, FileNotFoundError."""
        columns = [(column.name, column.type) for column in spooled.columns]
        return self.write(_OF_SPOOLED, columns, query_id=query_id, timeout=timeout, spooled=spooled)

    def lines(self, compiled: Compiled, *, packed: bool, query_id: str, timeout: float = DEFAULT_SECONDS) -> Written:
        """Write a query's one text column as the lines of an object, `packed` with gzip. Raises SqlError."""
        output, path = self._objects.create_output()
        try:
            answer = self._call({"op": "lines", "packed": packed}, compiled, query_id, timeout, output=output)
            counts = answers.counts(answer, query_id)
            size = os.fstat(output).st_size
        except BaseException:
            with contextlib.suppress(OSError):
                path.unlink()
            raise
        finally:
            os.close(output)
        return Written(self._objects.adopt(path), counts["rows"], size)

    def describe(
        self,
        compiled: Compiled,
        *,
        query_id: str,
        timeout: float = 60.0,
        keep: Kept | None = None,
        of_file: bool = False,
    ) -> tuple[ResultColumn, ...]:
        """The result's columns, without running it. `keep` as in `query`; `of_file`: they are a file's own.

        Raises SqlError.
        """
        answer = self._call({"op": "describe", "of_file": of_file}, compiled, query_id, timeout, keep=keep)
        columns = answers.declared(answers.columns(answer, query_id), compiled.kinds)
        return answers.named(columns, compiled)

    def infer_schema(
        self,
        files: Sequence[tuple[str, str]],
        options: FileOptions,
        *,
        query_id: str,
        ignore_case: bool = False,
        timeout: float = 60.0,
    ) -> tuple[InferredColumn, ...]:
        """The columns of staged files, the first file's order first, of JSON by name: `files` are (path, sha256).
        `ignore_case`: their names in capitals. Raises SqlError.
        """
        merged: dict[str, InferredColumn] = {}
        for path, sha256 in files:
            described = self._described(path, sha256, options, query_id=query_id, timeout=timeout)
            if options.type.upper() == "JSON":  # an object's keys have no order
                described = tuple(sorted(described, key=lambda column: column.name))
            for number, column in enumerate(described):
                name, found, expression = inferred(column.name, column.type, number, options, ignore_case=ignore_case)
                known = merged.get(name)
                if known is not None:
                    found = known.type if known.type == found else SqlType("VARCHAR")
                merged[name] = InferredColumn(
                    name,
                    found,
                    True,
                    expression,
                    (*(known.filenames if known else ()), path),
                    known.order if known else len(merged),
                )
            if len(merged) > MAX_COLUMNS:
                raise SqlError.too_many_columns(len(merged))
        return tuple(merged.values())

    def _described(
        self, path: str, sha256: str, options: FileOptions, *, query_id: str, timeout: float
    ) -> tuple[ResultColumn, ...]:
        compiled = compile_file(path, sha256, options)
        found = self.describe(compiled, query_id=query_id, timeout=timeout, of_file=True)
        kind, other = options.type.upper(), found
        if kind not in {"CSV", "JSON"} or not any(column.type.record.moment == "LTZ" for column in found):
            return found
        if kind == "CSV":
            compiled = compile_file(path, sha256, options, any_moment=True)
            other = self.describe(compiled, query_id=query_id, timeout=timeout, of_file=True)
        types = told_apart([column.type for column in found], [column.type for column in other])
        return tuple(replace(column, type=type_) for column, type_ in zip(found, types, strict=True))

    def looked_into(self, staged: StagedSource, *, query_id: str) -> StagedSource:
        """The same source, with its `columns` where it is one Parquet file whose columns can be told apart, or one CSV
        file whose first line names them. Raises SqlError.
        """
        kind = staged.options.type.upper()
        named = kind == "PARQUET" or (kind == "CSV" and staged.options.parse_header)
        if not named or len(staged.files) != 1:
            return staged
        file = staged.files[0]
        compiled = compile_file(file.path, file.sha256, staged.options)
        described = self.describe(compiled, query_id=query_id)
        names = [column.name for column in described]
        return replace(staged, columns=distinct(names) if kind == "PARQUET" else tuple(names))

    def check_packages(self, packages: Sequence[str]) -> None:
        """Refuses packages that functions in Python cannot have. Raises SqlError."""
        check_packages(packages)

    def forget(self, session_id: str) -> None:
        """End what is kept for a session: it is over."""
        self._workers.forget(session_id)

    def trim(self) -> None:
        """Stop spare workers that nobody has needed for a while."""
        self._workers.trim()
        self._functions.trim()

    def close(self) -> None:
        """Stop the workers; statements in progress fail."""
        self._workers.close()
        self._functions.close()

    def _spool_path(self, query_id: str) -> Path:
        if not _QUERY_ID.match(query_id):
            raise ValueError(f"not a query id: {query_id!r}")
        return self._spool / f"{query_id}.arrows"

    def _call(
        self,
        request: dict[str, object],
        compiled: Compiled,
        query_id: str,
        timeout: float,
        *,
        output: int | None = None,
        columns: Sequence[tuple[str, SqlType]] = (),
        spooled: Spooled | None = None,
        keep: Kept | None = None,
    ) -> dict[str, object]:
        if keep is not None:
            keep = replace(keep, world=(keep.world, compiled.zone))
        with contextlib.ExitStack() as opened:
            fds = []
            if spooled is not None:
                fds.append(os.open(spooled.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW))
                opened.callback(os.close, fds[0])
                request = {**request, "spooled": [[each.offset, each.length] for each in spooled.batches]}
            for sha256 in compiled.inputs:
                fd = self._objects.open(sha256)
                opened.callback(os.close, fd)
                fds.append(fd)
            full = {
                **request,
                "sql": compiled.sql,
                "token": compiled.token,
                "zone": compiled.zone,
                "inputs": len(fds),
                "quoting": compiled.quoting,
                "foreign": {str(number): kind for number, kind in compiled.foreign},
            }
            running = None
            if compiled.functions:
                full["functions"] = [
                    signature_of(each, called_as(compiled.token, number))
                    for number, each in enumerate(compiled.functions)
                ]
            if compiled.functions and request["op"] != "describe":
                running = opened.enter_context(
                    self._functions.beside(compiled.functions, self._objects.open, zone=compiled.zone, seconds=timeout)
                )
                full["channel"] = len(fds)
                fds.append(running.connection.fileno())
            if output is not None:
                fds.append(output)
            try:
                answer = self._workers.call(full, fds, timeout_seconds=timeout, keep=keep)
            except WorkerError as error:
                raise from_worker(error, query_id, timeout) from error
            if "error" in answer and running is not None:
                running.connection.close()
                running.explain()
        if "error" in answer:
            raise from_answer(answer["error"], compiled, columns, query_id)
        return answer
