"""Which files of a code directory are meant for the stage: what is left out, what may not go, what would.

The rule for secrets sits here, below every command: `stage_directory`, and the registration of what is staged.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from cleanroom_ml.artifacts.build import build_manifest
from cleanroom_ml.artifacts.ignore import IgnoreRules
from cleanroom_ml.artifacts.manifest import Manifest
from cleanroom_ml.artifacts.scan import ignore_rules, scan
from cleanroom_ml.artifacts.secrets import Secret, find_secrets, refuse_secrets
from cleanroom_ml.errors import UsageError
from cleanroom_ml.specs.project import PROJECT_FILE

# What PUT and LIST carry unharmed: no glob characters, no quotes (the same allow-list as for paths in specs).
STAGEABLE = re.compile(r"[A-Za-z0-9_.\-+=@(), /]+\Z")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What would not go; `why` is the rule that leaves it out."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What staging a directory would send. `secrets` are the files for which it would be refused."""

    files: Manifest
    ignored: tuple[LeftOut, ...]
    secrets: tuple[Secret, ...]


def preview(directory: Path, *, allow_secrets: Collection[str] = ()) -> Preview:
    """What would go to the stage and what not, offline.

    Raises:
        UsageError: as `stage_directory`, but for secrets, which are listed.
    """
    ignored: list[LeftOut] = []
    scan(directory, ignore=_rules(directory), on_ignored=lambda path, why: ignored.append(LeftOut(path, why)))
    manifest = code_manifest(directory)
    check_names(manifest)
    paths = [entry.path for entry in manifest.files]
    refuse_secrets((), allow_secrets, paths)
    secrets = (secret for secret in find_secrets(directory, paths) if secret.path not in allow_secrets)
    return Preview(manifest, tuple(sorted(ignored, key=lambda each: each.path)), tuple(secrets))


def code_manifest(directory: Path) -> Manifest:
    """The files of a code directory, as `.cleanroomignore` has them.

    It counts in the directory and in the project's root, the nearest directory above with a cleanroom.yaml.

    Raises:
        UsageError: the directory breaks a limit, or holds something else than files.
    """
    return build_manifest(directory, ignore=_rules(directory))


def stageable_manifest(directory: Path, *, allow_secrets: Collection[str] = ()) -> Manifest:
    """`code_manifest`, with no secret among the files. Every way to the stage and to a registration goes through here.

    Args:
        allow_secrets: paths in the directory that look like secrets and are meant to be staged.

    Raises:
        SecretsFoundError: other files look like secrets.
        UsageError: as `code_manifest`.
    """
    manifest = code_manifest(directory)
    paths = [entry.path for entry in manifest.files]
    refuse_secrets(find_secrets(directory, paths), allow_secrets, paths)
    return manifest


def _rules(directory: Path) -> IgnoreRules:
    place = directory.resolve()
    root = next((above for above in (place, *place.parents) if (above / PROJECT_FILE).is_file()), None)
    return ignore_rules(directory, root=root)


def refuse_nothing(manifest: Manifest, directory: Path, *, remove: str) -> None:
    """Raise UsageError where a directory has no file for the stage.

    Staging it would take away everything that is staged there, which is more likely a wrong directory than a wish;
    `remove` is the command for those who do wish it.
    """
    if manifest.files:
        return
    held = any(directory.iterdir())
    raise UsageError(
        f"there is nothing to stage in {directory}",
        why="all that it holds is left out (stage --dry-run lists why)" if held else "the directory is empty",
        fix=f"name the directory that has the code; to take everything off the stage: {remove}",
    )


def check_names(manifest: Manifest) -> None:
    """Raise UsageError where a file's name would not arrive on a stage as it is."""
    bad = [entry.path for entry in manifest.files if not STAGEABLE.match(entry.path)]
    if bad:
        raise UsageError(
            f"a file name cannot be staged: {bad[0]!r}",
            why="letters, digits, spaces and _ . - + = @ ( ) , are carried unharmed by every client",
            fix="rename the file, or list it in .cleanroomignore",
        )
