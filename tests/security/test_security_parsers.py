"""Which modules may import a parser of a binary or archive format: what a party sent is read in sandboxes only.

Walks the source of everything that runs outside of one (the front, its services, the clients). A new import of such a
parser fails here, until it is named below with what is read by it and why that is no party's.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "cleanroom_ml"

PARSERS = frozenset(
    {
        *("pyarrow", "pandas", "numpy", "duckdb", "polars", "fastparquet", "fastavro", "orjson", "h5py", "scipy"),
        *("zipfile", "tarfile", "gzip", "bz2", "lzma", "zlib", "shutil.unpack_archive", "zipimport", "zstandard"),
        *("pickle", "cPickle", "marshal", "shelve", "dbm", "copyreg", "cloudpickle", "joblib", "dill", "msgpack"),
        *("PIL", "imghdr", "sndhdr", "cv2", "plistlib", "xml", "lxml", "html.parser", "email", "mailbox", "openpyxl"),
        *("torch", "xgboost", "lightgbm", "sklearn", "safetensors", "onnx"),
    }
)

SANDBOXED = {
    "runtime": "what a job's own processes import, in the job's sandbox",
    "engine/warehouse/worker.py": "the SQL worker itself",
    "engine/warehouse/confined.py": "the SQL worker's DuckDB",
    "engine/warehouse/functions.py": "functions that the SQL worker puts into its DuckDB",
    "engine/warehouse/avro.py": "Avro files, read by the SQL worker",
    "engine/warehouse/csv_text.py": "CSV files with escaped fields, made plainer in the SQL worker",
    "engine/warehouse/foreign.py": "ORC and Avro files, made Parquet in the SQL worker",
    "engine/warehouse/failing.py": "the SQL worker's errors",
    "engine/warehouse/json_out.py": "the SQL worker writes results with it",
    "engine/warehouse/procedure_session.py": "the Session of a party's procedure, in its sandbox",
    "engine/warehouse/procedure_values.py": "values of a party's procedure, in its sandbox",
    "engine/warehouse/procedure_worker.py": "the procedure's process itself",
    "engine/warehouse/arrow_out.py": "the SQL worker writes results with it",
    "engine/warehouse/parquet_out.py": "the SQL worker writes tables with it",
    "engine/warehouse/parquet_bounds.py": "the SQL worker reads what it has just written with it",
    "engine/warehouse/arrow_types.py": "the SQL worker's types of columns",
    "engine/warehouse/depth.py": "the SQL worker counts the levels of documents with it",
    "engine/warehouse/python_calls.py": "the SQL worker's calls of functions in Python",
    "engine/warehouse/python_frames.py": "batches between the SQL worker and the functions' process, read in both",
    "engine/warehouse/python_handlers.py": "a party's functions, in the sandbox made for them",
    "engine/warehouse/python_pandas.py": "rows as data frames for a party's functions, in their sandbox",
    "engine/warehouse/python_values.py": "values of a party's functions, in both of these sandboxes",
    "engine/warehouse/python_worker.py": "the functions' process itself",
    "engine/warehouse/unspool.py": "the SQL worker makes a table of a result again with it",
    "engine/warehouse/spool.py": "the SQL worker cuts results into pieces with it",
    "engine/jobs/layers/unpack.py": "lays wheels out in a sandbox of its own",
    "engine/jobs/layers/resolve_program.py": "reads wheels' metadata in a sandbox of its own",
}
"""Files and rooms that run in sandboxes only, and as what. Nothing outside may import the files (see below)."""

OUTSIDE = {
    ("engine/protocol/bodies.py", "zlib"): "a client's request body: one stream, cut at the size that was allowed",
    ("engine/jobs/images/seal.py", "marshal"): "written only, to hash it; never read",
    ("engine/jobs/layers/stand_ins.py", "zipfile"): "written only: empty wheels of our own",
    ("services/activation_export.py", "pyarrow"): "written only: rows that the runner exports to a file of their own",
    ("services/file_looks.py", "gzip"): "the user's own file, for a message: so many bytes of it",
    ("services/file_looks.py", "zlib"): "the error that reading the user's own file raises",
    ("services/loading.py", "gzip"): "the first bytes of the user's own file, on its way to the engine",
    ("services/loading.py", "zlib"): "the error that reading the user's own file raises",
    ("local/sample_data.py", "pandas"): "the sample data of an installed package",
    ("local/sample_tables.py", "pyarrow"): "the sample data of an installed package",
}
"""What is imported outside of a sandbox, by file and parser: what is read by it."""


def parsers_of(source: str) -> set[str]:
    """The parsers that a module imports, at any depth of its code, by import statement or by name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        for name in _imported(node):
            found.update(parser for parser in PARSERS if name == parser or name.startswith(f"{parser}."))
    return found


def _imported(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Import():
            yield from (alias.name for alias in node.names)
        case ast.ImportFrom(module=str(module), level=0):
            yield from (f"{module}.{alias.name}" for alias in node.names)
        case ast.Call(args=[ast.Constant(value=str(name)), *_]) if _name(node.func) in {"import_module", "__import__"}:
            yield name
        case ast.Attribute(attr="unpack_archive"):
            yield "shutil.unpack_archive"


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def modules() -> list[Path]:
    return sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py"))


def is_sandboxed(path: Path) -> bool:
    return any(path == Path(place) or path.is_relative_to(place) for place in SANDBOXED)


def test_only_what_is_listed_imports_a_parser_outside_of_a_sandbox() -> None:
    found = {
        (path.as_posix(), parser)
        for path in modules()
        if not is_sandboxed(path)
        for parser in parsers_of((ROOT / path).read_text(encoding="utf-8"))
    }
    assert found == set(OUTSIDE), "name it in OUTSIDE with what it reads, or move it into a worker"


def test_nothing_outside_imports_what_runs_in_a_sandbox() -> None:
    """Else its parser would be at work in the front after all."""
    inside = {f"cleanroom_ml.{place.removesuffix('.py').replace('/', '.')}" for place in SANDBOXED}
    wrong = []
    for path in modules():
        if is_sandboxed(path):
            continue
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
            package = ".".join(("cleanroom_ml", *path.parts[:-1]))
            if isinstance(node, ast.ImportFrom) and node.level:
                base = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1])
                names = {f"{base}.{node.module}" if node.module else base}
                names |= {f"{name}.{alias.name}" for name in set(names) for alias in node.names}
            else:
                names = set(_imported(node))
            wrong += [f"{path}: {name}" for name in names for each in inside if f"{name}.".startswith(f"{each}.")]
    # The file that describes a job to its runtime is one type, which both sides have; it parses nothing of a party's.
    shared = "cleanroom_ml.runtime.job_file"
    assert not parsers_of((ROOT / "runtime" / "job_file.py").read_text(encoding="utf-8"))
    assert [each for each in wrong if shared not in each] == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import numpy as np",
        "from pyarrow import parquet",
        "def late():\n    from xml.etree import ElementTree",
        "import importlib\nimportlib.import_module('zipfile')",
        "import shutil\nshutil.unpack_archive('a', 'b')",
    ],
)
def test_the_rule_notices_a_parser(source: str) -> None:
    assert parsers_of(source)
    assert not parsers_of("import json\nfrom pathlib import Path\nimport shutil")
