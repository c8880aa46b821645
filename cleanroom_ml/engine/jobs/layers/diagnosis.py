"""Why pip found nothing that fits, as one of our errors.

What a client is told is made of names and versions only; pip's own words, which carry the addresses of the operator's
index, stay in the engine's log.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

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

_UNREACHABLE = re.compile(
    r"Retrying \(Retry|NewConnectionError|ConnectTimeoutError|ReadTimeoutError|NameResolutionError|ProxyError"
    r"|Could not fetch URL [^\n]*(?:connection error|SSL|timed out|[45]\d\d )"
)
_NOT_FOUND = re.compile(r"Could not find a version that satisfies the requirement (.+?) \(from versions: ([^)]*)\)")
_CAUSE = re.compile(r"The conflict is caused by:\n((?: +[^\n]+\n)+)")
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*:/\S*", re.IGNORECASE)
_PASSED_OVER = re.compile(r"Skipping link: (?:No sources permitted|none of the wheel's tags)[^\n]*?: ([a-z]+://\S+)")
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
    missing = _NOT_FOUND.search(run.output)
    if missing is not None:
        return _not_found(missing, run)
    if _UNREACHABLE.search(text):
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


def _not_found(missing: re.Match[str], run: PipRun) -> JobsError:
    requirement = _plain(missing[1])
    versions = [] if missing[2].strip() == "none" else [each.strip() for each in missing[2].split(",")]
    if versions:
        newest = ", ".join(_plain(each) for each in versions[-_SHOWN_VERSIONS:])
        return RequirementNotSatisfiedError(f"no version fits {requirement}; the index has {newest}")
    if _UNREACHABLE.search(f"{run.output}\n{run.log}"):
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
    files = (unquote(urlsplit(address).path.rpartition("/")[2]) for address in _PASSED_OVER.findall(log))
    return any(canonicalize_name(file).startswith(f"{wanted}-") for file in files)


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
    return without_addresses("".join(c for c in text if c.isprintable()))[:_SHOWN_CHARACTERS]
