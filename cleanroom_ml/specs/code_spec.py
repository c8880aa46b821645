"""The code_spec: ML jobs, functions and procedures that templates call (docs/api-digest.md §2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, model_validator

from cleanroom_ml.naming import fold
from cleanroom_ml.specs.base import (
    ApiVersion,
    Bool,
    Description,
    Finding,
    ShortDescription,
    SpecModel,
    as_text,
    one_of,
    repeated,
    report,
    violation,
)
from cleanroom_ml.specs.identifiers import LongName, Name, Version, duplicates, same, spec_id
from cleanroom_ml.specs.paths import ArtifactStagePath, CodeStageDirectory, Entrypoint
from cleanroom_ml.specs.problems import displayed
from cleanroom_ml.specs.requirements import Package, PipRequirement, Requirement, parse_requirement

MAX_ML_JOBS = 5
MAX_CALLABLES = 5
MAX_ARTIFACTS = 5
MAX_CODE_BODY_BYTES = 12 * 1024**2
RUNTIME_VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14")

_HANDLER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*\Z")
IMAGE_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,63}\Z")
_HASH = re.compile(r"[0-9a-f]{64}\Z")
_SQL_TYPE = re.compile(r'[A-Za-z][A-Za-z0-9_ ,()"\n]{0,3999}\Z')
_TABLE_TYPE = re.compile(r"TABLE\s*\(", re.IGNORECASE)


def _content_hash(value: object) -> str:
    text = as_text(value)
    if not _HASH.match(text):
        raise violation(f"{displayed(text)} is not a SHA-256", "64 lower-case hexadecimal digits")
    return text


def _image_tag(value: object) -> str:
    text = as_text(value)
    if not IMAGE_TAG.match(text):
        raise violation(f"{displayed(text)} is not an image tag", "at most 64 letters, digits and _ . -")
    return text


def _handler(value: object) -> str:
    text = as_text(value)
    if not _HANDLER.match(text) or len(text) > 255:
        raise violation(f"{displayed(text)} is not a handler", "function, or module.function")
    return text


def _sql_type(value: object) -> str:
    text = as_text(value).strip()
    depth = 0
    for char in text:
        depth += {"(": 1, ")": -1}.get(char, 0)
        if depth < 0:
            break
    if depth or not _SQL_TYPE.match(text):
        raise violation(f"{displayed(text)} is not an SQL type", "such as NUMBER(38, 0), STRING, TABLE (id STRING)")
    return text


def _code_body(value: object) -> str:
    text = as_text(value)
    size = len(text.encode())
    if size > MAX_CODE_BODY_BYTES:
        raise violation(f"has {size:,} bytes", f"at most {MAX_CODE_BODY_BYTES:,} bytes (12 MB)")
    return text


SqlType = Annotated[str, BeforeValidator(_sql_type)]
Handler = Annotated[str, BeforeValidator(_handler)]


class Artifact(SpecModel):
    """A staged file that functions and procedures import by its alias."""

    alias: LongName = Field(description="Name by which functions and procedures list it in imports.")
    stage_path: ArtifactStagePath = Field(description="The staged file: @DATABASE.SCHEMA.STAGE/path/file.ext.")
    description: ShortDescription | None = Field(default=None, description="What it is, for those who approve it.")
    content_hash: Annotated[str, BeforeValidator(_content_hash)] | None = Field(
        default=None, description="SHA-256 of the file; registering fails where the staged file has another."
    )


class Argument(SpecModel):
    name: LongName = Field(description="Name of the argument.")
    type: SqlType = Field(description="Its SQL type, such as NUMBER(38, 0), STRING or FLOAT.")


class _Callable(SpecModel):
    name: LongName = Field(description="Name by which templates call it: cleanroom.<code spec>$<name>.")
    language: Annotated[Literal["PYTHON"], BeforeValidator(one_of(["PYTHON"]))] = Field(
        description="Language of the code; always PYTHON."
    )
    runtime_version: Annotated[str, BeforeValidator(one_of(RUNTIME_VERSIONS))] | None = Field(
        default=None, description="Version of Python: 3.10 to 3.14, in quotes."
    )
    handler: Handler = Field(description="The function to call, as function or module.function.")
    arguments: tuple[Argument, ...] = Field(default=(), description="Its arguments, in order.")
    packages: tuple[Package, ...] = Field(
        default=(), description="Packages that it needs, by name, with a version if need be."
    )
    imports: tuple[LongName, ...] = Field(
        default=(), description="Aliases of the artifacts that it imports; instead of code_body."
    )
    code_body: Annotated[str, BeforeValidator(_code_body)] | None = Field(
        default=None, description="The Python source itself; instead of imports."
    )
    description: ShortDescription | None = Field(default=None, description="What it does, for those who approve it.")

    @model_validator(mode="after")
    def _one_source_of_code(self) -> _Callable:
        findings = duplicates((argument.name for argument in self.arguments), "arguments", "name")
        if self.code_body is not None and self.imports:
            findings.append(Finding(("code_body",), "stands beside imports", "code_body or imports, not both"))
        if self.code_body is None and not self.imports:
            findings.append(Finding((), "has no code", "code_body, or imports of staged artifacts"))
        report(findings)
        return self


class Function(_Callable):
    type: Annotated[Literal["UDF", "UDTF"], BeforeValidator(one_of(["UDF", "UDTF"]))] = Field(
        description="UDF for one value a row, UDTF for a table."
    )
    returns: SqlType = Field(description="SQL type of its result; TABLE (<columns>) for a UDTF.")

    @model_validator(mode="after")
    def _returns_what_its_type_says(self) -> Function:
        if (self.type == "UDTF") != bool(_TABLE_TYPE.match(self.returns)):
            allowed = "TABLE (<columns>) for a UDTF, a type such as FLOAT for a UDF"
            report([Finding(("returns",), f"does not go with type {self.type}", allowed)])
        return self


class Procedure(_Callable):
    returns: SqlType | None = Field(default=None, description="SQL type of its result.")


class MlJob(SpecModel):
    """A script that runs in a container on a compute pool."""

    name: LongName = Field(description="Name by which templates call it: cleanroom.<code spec>$<name>.")
    entrypoint: Entrypoint = Field(description="The script that runs: a .py file, relative to stage_code_dir.")
    stage_code_dir: CodeStageDirectory = Field(
        description="The staged directory that is frozen when this is registered: @DATABASE.SCHEMA.STAGE/directory."
    )
    pip_requirements: tuple[PipRequirement, ...] = Field(
        default=(),
        description="Packages beyond the image's: names with versions, or wheels inside of the code directory.",
    )
    description: Description | None = Field(default=None, description="What it does, for those who approve it.")
    allow_monitoring: Bool = Field(
        default=False, description="Whether the runner may read the job's log while it runs and afterwards."
    )
    image_tag: Annotated[str, BeforeValidator(_image_tag)] | None = Field(
        default=None, description="The container image; the newest where none is named. `image list` shows them."
    )

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """`pip_requirements`, parsed."""
        return tuple(parse_requirement(text) for text in self.pip_requirements)


class CodeSpec(SpecModel):
    """One registered, immutable set of ML jobs, functions and procedures."""

    api_version: ApiVersion = Field(description="Version of the spec format; always 2.0.0.")
    spec_type: Literal["code_spec"] = Field(description="Kind of spec; always code_spec.")
    name: Name = Field(description="Name of the code spec; its id is <name>_<version>.")
    version: Version = Field(
        description="Version: letters, digits and _, at most 20. What is registered never changes: other content "
        "needs another version.",
    )
    description: Description | None = Field(default=None, description="What it is for, in a sentence.")
    artifacts: tuple[Artifact, ...] = Field(
        default=(), description="Staged files for functions and procedures, at most 5."
    )
    functions: tuple[Function, ...] = Field(
        default=(),
        description="SQL functions in Python that templates call; functions and procedures are at most 5 together.",
    )
    procedures: tuple[Procedure, ...] = Field(
        default=(), description="Stored procedures in Python that templates call."
    )
    ml_jobs: tuple[MlJob, ...] = Field(
        default=(), description="Scripts that run in containers on a compute pool, at most 5."
    )

    @property
    def id(self) -> str:
        return spec_id(self.name, self.version)

    def job(self, name: str) -> MlJob | None:
        """The ML job of that name (case-insensitive where unquoted), or None."""
        return next((job for job in self.ml_jobs if same(job.name, name)), None)

    def callable_names(self) -> frozenset[str]:
        """The folded names of all that a template can call."""
        names = [job.name for job in self.ml_jobs]
        names += [each.name for _, _, each in self._functions_and_procedures()]
        return frozenset(fold(name) for name in names)

    def _functions_and_procedures(self) -> list[tuple[str, int, Function | Procedure]]:
        """With the field and the index where each stands."""
        return [
            *(("functions", index, function) for index, function in enumerate(self.functions)),
            *(("procedures", index, procedure) for index, procedure in enumerate(self.procedures)),
        ]

    @model_validator(mode="after")
    def _limits_and_names(self) -> CodeSpec:
        report(self._findings())
        return self

    def _findings(self) -> Iterator[Finding]:
        if not (self.ml_jobs or self.functions or self.procedures):
            yield Finding((), "defines nothing", "at least one of ml_jobs, functions, procedures")
        yield from _too_many("ml_jobs", len(self.ml_jobs), MAX_ML_JOBS)
        yield from _too_many("artifacts", len(self.artifacts), MAX_ARTIFACTS)
        if len(self.functions) + len(self.procedures) > MAX_CALLABLES:
            field = "functions" if self.functions else "procedures"
            number = len(self.functions) + len(self.procedures)
            yield Finding((field,), f"{number} functions and procedures", f"at most {MAX_CALLABLES} together")
        yield from duplicates((artifact.alias for artifact in self.artifacts), "artifacts", "alias")
        aliases = {fold(artifact.alias) for artifact in self.artifacts}
        callables = self._functions_and_procedures()
        names = [("ml_jobs", index, job.name) for index, job in enumerate(self.ml_jobs)]
        names += [(where, index, each.name) for where, index, each in callables]
        for repeat in repeated(fold(name) for _, _, name in names):
            where, index, name = names[repeat]
            what = f"{displayed(name)} is used twice (names are case-insensitive)"
            yield Finding((where, index, "name"), what, "unique names")
        for where, index, each in callables:
            for at, imported in enumerate(each.imports):
                if fold(imported) not in aliases:
                    what = f"no artifact has the alias {displayed(imported)}"
                    known = ", ".join(artifact.alias for artifact in self.artifacts) or "artifacts to be listed first"
                    yield Finding((where, index, "imports", at), what, known)


def _too_many(field: str, number: int, maximum: int) -> list[Finding]:
    return [Finding((field,), f"has {number} items", f"at most {maximum}")] if number > maximum else []
