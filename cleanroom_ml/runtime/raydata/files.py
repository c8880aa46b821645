"""The files of a stage, each with an address that any process of the job can fetch it from."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .names import StagePath
from .session import main_session

if TYPE_CHECKING:
    from snowflake.snowpark import Session


class StageUnavailableError(ValueError):
    """This job cannot read that stage; the text names it, and says which stages it can."""


@dataclass(frozen=True, slots=True)
class StagedFile:
    """One file, as it was when listed: what its address gives does not change. Good for as long as the job runs.

    `name` is LIST's (`stage/directory/a.jpg`), `below` the part that follows the directory which was asked for,
    `nbytes` its size. Whoever put it there chose the name: for paths on disk, see `saving`.
    """

    name: str
    below: str
    url: str = field(repr=False)
    nbytes: int


def list_files(place: StagePath, patterns: Sequence[str] = ()) -> list[StagedFile]:
    """The files whose path starts with the place's (as text: `@s/da` finds `data/a`), by name.

    `patterns`: shell's wildcards, of which one must match a file's path below the directory, or its last part.

    Raises:
        StageUnavailableError: the stage is not there for this job, or a job may not read it.
        RuntimeError: this is a worker, which has no session.
    """
    from snowflake.connector.errors import ProgrammingError

    session = main_session("listing a stage")
    try:
        with session.connection.cursor() as cursor:
            cursor.execute(f"LIST {place.sql}")
            listed = [(str(row[0]), int(row[1])) for row in cursor.fetchall()]
    except ProgrammingError as error:
        raise StageUnavailableError(
            f"this job cannot use the stage {place.stage} ({error.msg}). A clean room's job reaches stages that it "
            "made itself only (CREATE TEMPORARY STAGE); data of the collaboration comes as the tables of its run"
        ) from error
    if not listed:
        return []
    try:
        urls = _addresses(session, place)
    except ProgrammingError as error:
        raise StageUnavailableError(
            f"the files of the stage {place.stage} are there, and this job may not read them back ({error.msg}). They "
            "are files that the script put there: read them from where it put them, with ray.data.read_images, "
            "read_binary_files, read_text, read_csv or read_parquet"
        ) from error
    files = [_file(name, size, place, urls) for name, size in sorted(listed)]
    return [file for file in files if file is not None and _wanted(file.below, patterns)]


def _addresses(session: Session, place: StagePath) -> dict[str, str]:
    """By path in the stage: what the connector asks for before it fetches the files of a GET, which it does not here.

    Raises snowflake.connector.errors.ProgrammingError: it was refused.
    """
    from snowflake.connector.errors import ProgrammingError

    with session.connection.cursor() as cursor:
        answer = cursor._execute_helper(f"GET {place.sql} 'file:///tmp/'", is_internal=True)
    if not answer["success"]:
        raise ProgrammingError(msg=str(answer["message"]))
    data = answer["data"]
    return dict(zip(data["src_locations"], data["presignedUrls"], strict=True))


def _file(name: str, size: int, place: StagePath, urls: dict[str, str]) -> StagedFile | None:
    """None: it came between the two questions, or went."""
    path = name.partition("/")[2]
    if path not in urls:
        return None
    directory = place.path.rpartition("/")[0]
    below = path.removeprefix(f"{directory}/") if directory else path
    return StagedFile(name, below, urls[path], size)


def _wanted(below: str, patterns: Iterable[str]) -> bool:
    last = below.rpartition("/")[2]
    return not patterns or any(fnmatch.fnmatchcase(text, pattern) for pattern in patterns for text in (below, last))
