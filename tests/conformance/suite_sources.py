"""Where a suite's tests come from: a checkout or a git repository that is here already, or the public repository."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from packaging.version import InvalidVersion, Version


@dataclass(frozen=True, slots=True)
class Source:
    """One suite's repository: the tag taken is the newest that is not newer than the `distribution` installed here."""

    name: str
    url: str
    distribution: str | None
    paths: tuple[str, ...]
    """What of the repository is taken out: its tests, and the configuration of its pytest."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A suite's files, and what they are of (a tag, or the directory's own word)."""

    directory: Path
    revision: str


def check_out(source: Source, given: Path | None, work: Path) -> Checkout:
    """The suite's files below `work`, from `given` (a checkout, a bare repository or a plain directory) or its URL.

    A blob that a partial mirror leaves out is left out here too: what needs it fails by its name.
    """
    git = given or _clone(source, work)
    git_directory = git / ".git" if (git / ".git").exists() else git
    if not (git_directory / "HEAD").exists():
        return Checkout(git, "as given")
    tags = subprocess.run(
        ["git", "--git-dir", git_directory, "tag"], capture_output=True, text=True, check=True
    ).stdout.split()
    tag = nearest_tag(tags, version(source.distribution) if source.distribution else None)
    directory = work / "sources" / f"{source.name}-{tag}"
    if not directory.exists():
        _take_out(git_directory, tag, source.paths, directory)
    return Checkout(directory, tag)


def nearest_tag(tags: list[str], installed: str | None) -> str:
    """The newest release among `tags` that is not newer than `installed`; the newest of all where that is None."""
    releases: dict[Version, str] = {}
    for tag in tags:
        try:
            release = Version(tag.removeprefix("v"))
        except InvalidVersion:
            continue
        if not release.is_prerelease:
            releases[release] = tag
    fitting = [release for release in releases if installed is None or release <= Version(installed)]
    if not fitting:
        raise LookupError(f"no release tag up to {installed} in the repository")
    return releases[max(fitting)]


def _clone(source: Source, work: Path) -> Path:
    directory = work / "repositories" / source.name
    if not directory.exists():
        directory.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "clone", "--bare", "--quiet", source.url, directory], check=True)
    return directory


def _take_out(git_directory: Path, tag: str, paths: tuple[str, ...], directory: Path) -> None:
    """Blob by blob: `git archive` gives up at the first one that is not there."""
    listing = subprocess.run(
        ["git", "--git-dir", git_directory, "ls-tree", "-r", tag, "--", *paths],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    entries = [line.split("\t", 1) for line in listing.splitlines()]
    files = [(meta.split()[2], path) for meta, path in entries if meta.startswith("100")]
    with subprocess.Popen(
        ["git", "--git-dir", git_directory, "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        for blob, path in files:
            reader.stdin.write(blob.encode() + b"\n")
            reader.stdin.flush()
            header = reader.stdout.readline().split()
            if header[1] == b"missing":
                continue
            content = reader.stdout.read(int(header[2]))
            reader.stdout.read(1)
            target = directory / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
