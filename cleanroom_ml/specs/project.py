"""The project file, cleanroom.yaml: what one party's directory holds (docs/project-file.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, PrivateAttr, model_validator

from cleanroom_ml.naming import fold
from cleanroom_ml.specs.analysis import RESERVED_ARGUMENTS
from cleanroom_ml.specs.base import Finding, Json, PositiveInt, SpecModel, as_text, repeated, report, violation
from cleanroom_ml.specs.families import FAMILIES
from cleanroom_ml.specs.identifiers import Account, Alias, LongName, Name, ViewName, identifier
from cleanroom_ml.specs.paths import RelativePath, StageDirectory
from cleanroom_ml.specs.problems import displayed

PROJECT_FILE = "cleanroom.yaml"
COLLABORATION_FILE = "collaboration.yaml"

# Of Google Cloud, where Snowflake has more of them than are listed.
_ELSEWHERE = re.compile(r"GPU_GCP_NV_[A-Z0-9_]+\Z")
_RUN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_\-]{0,74}\Z")


def _format_version(value: object) -> int:
    if isinstance(value, bool) or value != 1 or not isinstance(value, int):
        raise violation(f"is {displayed(value)}", "1")
    return 1


def _family(value: object) -> str:
    text = as_text(value).upper()
    if text not in FAMILIES and not _ELSEWHERE.match(text):
        raise violation(f"{displayed(value)} is not an instance family", ", ".join(FAMILIES))
    return text


def _run_name(value: object) -> str:
    text = as_text(value)
    if not _RUN_NAME.match(text):
        raise violation(f"{displayed(text)} is not a name for a run", "letters, digits, _ and -, at most 75")
    return text


# A template is named by its name or by its id.
TemplateName = Annotated[str, BeforeValidator(identifier(96))]
RunName = Annotated[str, BeforeValidator(_run_name)]
Family = Annotated[str, BeforeValidator(_family)]


class Pool(SpecModel):
    """The compute pool that `pool create` makes and `run` uses."""

    name: LongName = Field(description="Name of the compute pool in the runner's account.")
    family: Family = Field(
        description="Instance family of its nodes, such as CPU_X64_S or GPU_NV_S; "
        "SHOW COMPUTE POOL INSTANCE FAMILIES lists them.",
    )
    nodes: PositiveInt = Field(default=1, description="How many nodes the pool has; a run may ask for fewer.")


class Run(SpecModel):
    """One entry of `runs`: what `run NAME` runs, on what, with what."""

    template: TemplateName = Field(
        description="The template to run, by its name (the newest approved version) or its id, such as train_V1."
    )
    tables: tuple[ViewName, ...] = Field(
        default=(),
        description="The tables that fill source_table of the template, in its order, by their names in the room:"
        " <alias>.<data offering id>.<dataset alias>; `offering list` shows them.",
    )
    my_tables: tuple[ViewName, ...] = Field(
        default=(), description="The runner's own tables that fill my_table of the template, named in the same way."
    )
    args: Mapping[LongName, Json] = Field(
        default_factory=dict, description="Values for the template's parameters; `run --arg NAME=VALUE` overrides them."
    )
    nodes: PositiveInt | None = Field(
        default=None, description="How many nodes this run takes (the template's num_instances)."
    )
    pool: LongName | None = Field(
        default=None, description="A compute pool other than the project's (the template's compute_pool)."
    )
    warehouse: LongName | None = Field(
        default=None, description="The warehouse of the job's SQL (the template's warehouse)."
    )

    @model_validator(mode="after")
    def _arguments_are_free(self) -> Run:
        report(_reserved(self.args))
        return self


class Activate(SpecModel):
    """What `activate` runs, and where the segment goes."""

    template: TemplateName = Field(description="The activation template to run, by its name or id.")
    to: Alias = Field(description="Alias of the party that receives the result.")
    segment: LongName = Field(description="Name under which the receiver finds the result.")
    tables: tuple[ViewName, ...] = Field(
        default=(), description="The tables that fill source_table of the template, by their names in the room."
    )
    my_tables: tuple[ViewName, ...] = Field(
        default=(), description="The runner's own tables that fill my_table of the template."
    )
    args: Mapping[LongName, Json] = Field(default_factory=dict, description="Values for the template's parameters.")
    warehouse: LongName | None = Field(default=None, description="The warehouse of the template's SQL.")

    @model_validator(mode="after")
    def _arguments_are_free(self) -> Activate:
        report(_reserved(self.args))
        return self


class Project(SpecModel):
    """One party's project. Paths are relative to `root`; `load_project` has checked that none leads out of it.

    `owner` is the account, `ORG.ACCOUNT`, whose collaboration this party means: a name alone anybody can take. A party
    that has the collaboration's spec itself, as its owner, need not say it.
    """

    version: Annotated[int, BeforeValidator(_format_version)] = Field(
        description="Version of this file's format; always 1."
    )
    collaboration: Name | None = Field(
        default=None,
        description="Name of the collaboration that the commands of this directory are about. Its owner has its "
        "spec beside this file, in collaboration.yaml.",
    )
    owner: Account | None = Field(
        default=None,
        description="The account, ORG.ACCOUNT, whose collaboration is meant: a name alone anybody can take. Its owner, "
        "who has its spec beside this file, need not say it.",
    )
    stage: StageDirectory | None = Field(
        default=None,
        description="Where `stage` uploads the code: DATABASE.SCHEMA.STAGE/directory in this party's account.",
    )
    code: RelativePath | None = Field(
        default=None,
        description="The directory that `stage` uploads; everything in it becomes visible to whoever approves.",
    )
    code_specs: tuple[RelativePath, ...] = Field(
        default=(), description="The code specs of this party, which `spec register` registers."
    )
    templates: tuple[RelativePath, ...] = Field(
        default=(), description="The templates of this party, which `template submit` registers and sends."
    )
    offerings: tuple[RelativePath, ...] = Field(
        default=(), description="The data offerings of this party, which `offering link` registers and links."
    )
    share_with: tuple[Alias, ...] = Field(
        default=(),
        description="Aliases of the runners that `template submit` asks, and that `offering link` shares with.",
    )
    reviewed: RelativePath | None = Field(
        default=None,
        description="The copy of the provider's code that was read; `approve` compares every file with it.",
    )
    pool: Pool | None = Field(default=None, description="The compute pool that `pool create` makes and `run` uses.")
    runs: Mapping[RunName, Run] = Field(
        default_factory=dict, description="What `run NAME` runs, by name; the first one is what `run` alone means."
    )
    activate: Activate | None = Field(default=None, description="What `activate` runs, and where its result goes.")

    _root: Path = PrivateAttr(default=Path())

    @property
    def root(self) -> Path:
        """The directory that holds cleanroom.yaml, absolute."""
        return self._root

    @property
    def stage_path(self) -> str | None:
        """`stage` as SQL writes it: `@DB.SCHEMA.STAGE/path`."""
        return f"@{self.stage}" if self.stage else None

    @property
    def code_directory(self) -> Path | None:
        return self._root / self.code if self.code else None

    @property
    def reviewed_directory(self) -> Path | None:
        return self._root / self.reviewed if self.reviewed else None

    @property
    def collaboration_path(self) -> Path:
        """Where the collaboration's spec is, in the project of its owner."""
        return self._root / COLLABORATION_FILE

    @property
    def code_spec_paths(self) -> tuple[Path, ...]:
        return tuple(self._root / path for path in self.code_specs)

    @property
    def template_paths(self) -> tuple[Path, ...]:
        return tuple(self._root / path for path in self.templates)

    @property
    def offering_paths(self) -> tuple[Path, ...]:
        return tuple(self._root / path for path in self.offerings)

    def at(self, root: Path) -> Project:
        """The same project, belonging to the directory `root` (absolute)."""
        placed = self.model_copy()
        placed._root = root
        return placed

    def paths(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Every path that the file names, with its place in the file."""
        for field in ("code", "reviewed"):
            path: str | None = getattr(self, field)
            if path is not None:
                yield (field,), path
        for field in ("code_specs", "templates", "offerings"):
            for index, listed in enumerate(getattr(self, field)):
                yield (field, index), listed

    @model_validator(mode="after")
    def _each_once(self) -> Project:
        report(self._findings())
        return self

    def _findings(self) -> Iterator[Finding]:
        for field in ("code_specs", "templates", "offerings"):
            listed = getattr(self, field)
            for index in repeated(listed):
                yield Finding((field, index), f"{displayed(listed[index])} is listed twice", "each file once")
        for index in repeated(fold(alias) for alias in self.share_with):
            yield Finding(
                ("share_with", index), f"{displayed(self.share_with[index])} is listed twice", "each alias once"
            )


def _reserved(args: Mapping[str, object]) -> Iterator[Finding]:
    for name in args:
        if fold(name).lower() in RESERVED_ARGUMENTS:
            what = f"{displayed(name)} is a reserved argument name"
            yield Finding(("args", name), what, "tables go into tables or my_tables", at_key=True)
