"""The only code that runs without isolation: that of the sample project which came with this installation."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from cleanroom_ml.artifacts.build import build_manifest
from cleanroom_ml.artifacts.ignore import IgnoreRules
from cleanroom_ml.engine.jobs.errors import CodeMismatch
from cleanroom_ml.errors import CleanroomError

_CODE: Final = "sample_projects/lookalike/publisher/code"


def require_bundled(code: Path) -> None:
    """Accept a directory whose content digest is the bundled sample's; every file of it counts.

    Both digests are computed here and now: of the bytes that are about to run, and of those in the installation. No
    request has a say in either.

    Raises:
        CodeMismatch: it holds other code, or this installation has no sample to compare it with.
    """
    try:
        given = build_manifest(code, ignore=IgnoreRules.none()).digest
        bundled = _bundled_digest()
    except CleanroomError as error:
        raise CodeMismatch(f"it cannot be compared with the bundled sample: {error.what}") from error
    if given != bundled:
        raise CodeMismatch(
            f"this engine has no sandbox (--no-isolation) and runs the code of the bundled sample only ({bundled}); "
            f"this code is {given}"
        )


@cache
def _bundled_digest() -> str:
    package = Path(__file__).resolve().parents[2]
    roots = (package.parent, package)  # a checkout; an installed package
    code = next((root / _CODE for root in roots if (root / _CODE).is_dir()), None)
    if code is None:
        raise CodeMismatch("the sample projects are not installed")
    return build_manifest(code).digest
