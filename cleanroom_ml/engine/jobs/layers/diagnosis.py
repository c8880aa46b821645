"""Why pip found nothing that fits, as one of our errors.

What a client is told is made of names and versions only; pip's own words, which carry the addresses of the operator's
index, stay in the engine's log.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from packaging.utils import canonicalize_name

from cleanroom_ml.engine.jobs.errors import JobsError, RequirementNotSatisfiedError
from cleanroom_ml.engine.jobs.layers.errors import (
    BinaryPackagesOnlyError,
    DependencyConflictError,
    PackageHashError,
    PackageIndexError,
    UnsafeWheelError,
)
from cleanroom_ml.engine.jobs.layers.pip import PipRun

# What pip says holds what a party wrote: each of these is looked for in time that grows with the text, not faster.
_TROUBLE = re.compile(
    r"Retrying \(Retry|NewConnectionError|ConnectTimeoutError|ReadTimeoutError|NameResolutionError|ProxyError"
)
_NOT_FETCHED = "Could not fetch URL "
_WHY_NOT_FETCHED = re.compile(r"connection error|SSL|timed out|[45]\d\d ")
_NOT_FOUND = "Could not find a version that satisfies the requirement "
_VERSIONS = " (from versions: "
_CAUSE = re.compile(r"The conflict is caused by:\n((?: +[^\n]+\n)+)")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]{0,30}:/\S*", re.IGNORECASE)
_PASSED_OVER = re.compile(r"Skipping link: (?:No sources permitted|none of the wheel's tags)")
_FILE = re.compile(r": ([a-z]{1,10}://\S+)")
_SHOWN_VERSIONS = 8
_SHOWN_CHARACTERS = 1_000


def diagnose(run: PipRun, wanted: str, *, constraint: str) -> JobsError:
    """The error that says what went wrong with a run that failed.

    `wanted` names what was asked for; `constraint` says of a version that pip was held to where it is from.
    """
    text = f"{run.output}\n{run.log}"
    if "DO NOT MATCH THE HASHES" in text:
        return PackageHashError(f"a package for {wanted} is not what its index says it is: its hash differs")
    # Not in the log: its traceback of any failure mentions this one, too.
    if "ResolutionImpossible" in run.output:
        return DependencyConflictError(
            f"the requirements {wanted} cannot hold together: {_conflict(run.output, constraint)}"
        )
    missing = _missing(run.output)
    if missing is not None:
        return _not_found(*missing, run)
    if _is_unreachable(text):
        return _unreachable(wanted)
    if "has inconsistent" in text or "invalid wheel" in text.lower() or "BadZipFile" in text:
        return UnsafeWheelError(f"a package for {wanted} is not a valid wheel")
    return PackageIndexError(
        f"the packages for {wanted} could not be had: pip ended with status {run.code}",
        why="the engine's log has what pip said",
        fix="ask the operator of the engine",
    )


def without_addresses(text: str) -> str:
    """pip's words for the engine's log: addresses may carry credentials."""
    return _ADDRESS.sub("<address>", text)


def _missing(output: str) -> tuple[str, list[str]] | None:
    """The requirement that nothing fits, and the versions that there are."""
    for line in output.splitlines():
        _, found, after = line.partition(_NOT_FOUND)
        requirement, sep, rest = after.partition(_VERSIONS)
        if found and sep:
            listed = rest.rpartition(")")[0].strip()
            return requirement, [] if listed == "none" else [each.strip() for each in listed.split(",")]
    return None


def _is_unreachable(text: str) -> bool:
    if _TROUBLE.search(text):
        return True
    cut = (line.partition(_NOT_FETCHED) for line in text.splitlines())
    return any(found and _WHY_NOT_FETCHED.search(after) for _, found, after in cut)


def _not_found(named: str, versions: list[str], run: PipRun) -> JobsError:
    requirement = _plain(named)
    if versions:
        newest = ", ".join(_plain(each) for each in versions[-_SHOWN_VERSIONS:])
        return RequirementNotSatisfiedError(f"no version fits {requirement}; the index has {newest}")
    if _is_unreachable(f"{run.output}\n{run.log}"):
        return _unreachable(requirement)
    if _is_offered(requirement, run.log):
        return BinaryPackagesOnlyError(
            f"{requirement} is not offered as a binary package for this image's Python and this kind of machine",
            why="binary packages only: building one would run its code",
            fix="build a wheel of it, put it into the code directory, and name its path in pip_requirements",
        )
    return RequirementNotSatisfiedError(f"no index of this engine has a package for {requirement}")


def _is_offered(requirement: str, log: str) -> bool:
    """Whether pip passed over a file of this very package: a source, or a binary for something else."""
    named = re.match(r"[A-Za-z0-9._-]+", requirement)
    wanted = canonicalize_name(named[0] if named else requirement)
    for line in log.splitlines():
        passed = _PASSED_OVER.search(line)
        address = _FILE.search(line, passed.end()) if passed else None
        file = unquote(address[1].partition("#")[0].rpartition("/")[2]) if address else ""
        if canonicalize_name(file).startswith(f"{wanted}-"):
            return True
    return False


def _unreachable(wanted: str) -> PackageIndexError:
    return PackageIndexError(
        f"the package index does not answer, so {wanted} cannot be resolved",
        why="it is asked when a code spec is registered, and never again",
        fix="try again later; the operator's pip configuration says which index it is",
    )


def _conflict(text: str, constraint: str) -> str:
    found = _CAUSE.search(text)
    if found is None:
        return "the index has no versions of them that do"
    lines = dict.fromkeys(_plain(line.strip()) for line in found[1].splitlines() if line.strip())
    return "; ".join(lines).replace("The user requested (constraint)", constraint)[:_SHOWN_CHARACTERS]


def _plain(text: str) -> str:
    return without_addresses("".join(c for c in text[:_SHOWN_CHARACTERS] if c.isprintable()))
