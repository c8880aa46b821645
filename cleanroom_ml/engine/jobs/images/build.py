"""Makes an image: a virtual environment with the packages of a manifest, pinned, binary only, with recorded hashes.

Only the operator builds images, from a manifest of this package or of their own. pip runs as them, with their
configuration; no code of a package runs, because only wheels are installed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from packaging.utils import canonicalize_name

from cleanroom_ml.engine.jobs import files
from cleanroom_ml.engine.jobs.images import seal
from cleanroom_ml.engine.jobs.images.catalog import Images
from cleanroom_ml.engine.jobs.images.image import DESCRIPTION, VENV, Image, digest_of
from cleanroom_ml.engine.jobs.images.interpreter import interpreter_files, interpreter_sha256
from cleanroom_ml.engine.jobs.images.manifest import ImageManifest
from cleanroom_ml.engine.jobs.images.venv import make_environment, name_interpreter_inside
from cleanroom_ml.engine.jobs.layers.diagnosis import diagnose, without_addresses
from cleanroom_ml.engine.jobs.layers.pip import Pip, index_sha256, tree_bytes
from cleanroom_ml.engine.jobs.layers.policy import GIB
from cleanroom_ml.engine.jobs.layers.stand_ins import stand_ins
from cleanroom_ml.engine.jobs.layers.work import private_directory, remove_whole, sweep_abandoned
from cleanroom_ml.engine.storage.objects import sync_directory
from cleanroom_ml.errors import CleanroomError, UsageError
from cleanroom_ml.json_values import Document

MANIFEST: Final = "manifest.json"
_SECONDS: Final = 3600.0
_MAX_BYTES: Final = 32 * GIB


def build_image(home: Path, manifest: ImageManifest, *, environ: Mapping[str, str] | None = None) -> tuple[Image, bool]:
    """The image of a manifest, and whether it was built now: the same manifest again changes nothing.

    1. A virtual environment is made in a directory of its own, which is gone where anything below fails.
    2. pip installs the packages, with every version that the manifest pins.
    3. What was installed is read back, with the hash of each wheel, and gives the digest.
    4. The directory gets its name: whoever looks finds a whole image, or none.

    Raises:
        UsageError: there is no interpreter of the manifest's Python.
        CleanroomError: a package cannot be had; see layers/diagnosis.py.
    """
    root = home / "images"
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    wanted = _as_json(manifest)
    for image in Images(root).built():
        if image.root is not None and json.loads((image.root / MANIFEST).read_bytes()) == wanted:
            return image, False
    return _build(root, manifest, os.environ if environ is None else environ), True


def rebuild_image(home: Path, image: Image, *, environ: Mapping[str, str] | None = None) -> Image:
    """Build an image of this home again, from its own manifest, because its files were changed.

    Raises:
        CleanroomError: as `build_image`; or the packages of now are others, and the image is left as it is.
    """
    assert image.root is not None
    value = json.loads((image.root / MANIFEST).read_bytes())
    manifest = ImageManifest(value["tag"], value["python"], tuple(value["packages"]), value["versions"])
    environ = os.environ if environ is None else environ
    return _build(home / "images", manifest, environ, again=image)


def _build(root: Path, manifest: ImageManifest, environ: Mapping[str, str], *, again: Image | None = None) -> Image:
    python = _interpreter(manifest.python)
    sweep_abandoned(root)
    with private_directory(root) as work:
        made = work / "image"
        made.mkdir(mode=0o700)
        make_environment(python, made / VENV)
        report = _install(manifest, made / VENV, work, environ)
        image = _described(manifest, python, report, made)
        if again is not None and "python" not in again.hashes:  # of a version that did not count the interpreter
            hashes = {name: sha256 for name, sha256 in image.hashes.items() if name != "python"}
            image = replace(image, hashes=hashes, digest=digest_of(image.python, image.packages, hashes))
        if again is not None and again.digest != image.digest:
            raise CleanroomError(
                f"image {manifest.tag} would be another now", why=f"{image.digest}, not {again.digest}"
            )
        image = _sealed(image)
        files.write_atomically(made / MANIFEST, json.dumps(_as_json(manifest)).encode())
        files.write_atomically(made / DESCRIPTION, json.dumps(image.to_json()).encode())
        target = root / f"{manifest.tag}-{image.digest.removeprefix('sha256:')[:12]}"
        if target.is_dir():  # another manifest that comes to the same
            remove_whole(target)
        made.rename(target)
        sync_directory(root)
    return replace(image, root=target)


def _as_json(manifest: ImageManifest) -> dict[str, object]:
    return {
        "tag": manifest.tag,
        "python": manifest.python,
        "packages": list(manifest.packages),
        "versions": dict(manifest.versions),
    }


def _interpreter(version: str) -> Path:
    """An interpreter of this minor version: the one that we were made from, or one on PATH."""
    if version == ".".join(map(str, sys.version_info[:2])):
        return Path(sys.base_prefix) / "bin" / f"python{version}"
    found = shutil.which(f"python{version}")
    if found is None:
        raise UsageError(
            f"this image needs Python {version}, which is not on this machine",
            why=f"there is no python{version} on PATH",
            fix=f"apt-get install python{version} python{version}-venv",
        )
    return Path(found)


def _install(manifest: ImageManifest, venv: Path, work: Path, environ: Mapping[str, str]) -> list[Document]:
    pinned = {**manifest.versions, **stand_ins(work / "stand-ins", manifest.versions)}
    (work / "constraints.txt").write_text("".join(f"{name}=={version}\n" for name, version in pinned.items()))
    (work / "requirements.txt").write_text("".join(f"{line}\n" for line in manifest.packages))
    pip = Pip(venv / "bin" / "python", work, environ, _SECONDS, _MAX_BYTES)
    run = pip.run(
        "install",
        *("--report", str(work / "report.json")),
        *("--find-links", str(work / "stand-ins")),
        *("--constraint", str(work / "constraints.txt")),
        *("--requirement", str(work / "requirements.txt")),
    )
    if run.code != 0:
        error = diagnose(run, f"of image {manifest.tag}", constraint="its manifest pins")
        said = without_addresses(run.output).strip().splitlines()
        raise CleanroomError(error.what, why=error.why or (said[-1] if said else None), fix=error.fix)
    installed: list[Document] = json.loads((work / "report.json").read_bytes())["install"]
    return installed


def _described(manifest: ImageManifest, python: Path, report: list[Document], made: Path) -> Image:
    code = "import sys, platform; print(platform.python_version(), sys.base_prefix)"
    argv = [str(made / VENV / "bin" / "python"), "-I", "-S", "-c", code]
    version, _, base = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip().partition(" ")
    packages: dict[str, str] = {}
    interpreter = interpreter_files(Path(base), made / VENV / "bin" / "python", version)
    hashes = {"python": interpreter_sha256(interpreter, Path(base))}
    for item in report:
        name = str(canonicalize_name(item["metadata"]["name"]))
        packages[name] = str(item["metadata"]["version"])
        hashes[name] = index_sha256(item)
    for script in sorted((made / VENV / "bin").iterdir()):
        name_interpreter_inside(script, made / VENV)
    return Image(
        tag=manifest.tag,
        digest=digest_of(version, packages, hashes),
        python=version,
        packages=dict(sorted(packages.items())),
        base=Path(base),
        root=made,
        built_on=datetime.now(UTC).isoformat(timespec="seconds"),
        size_bytes=tree_bytes(made),
        hashes=dict(sorted(hashes.items())),
    )


def _sealed(image: Image) -> Image:
    """With its list of files, and the seal over them, which are written beside."""
    assert image.root is not None
    states = seal.look(image.prefix)  # before the content is read: what changes in between is noticed
    hashes = {path: seal.content_of(image.prefix / path) for path in states}
    interpreter = seal.look_at_interpreter(image)
    content = interpreter_sha256([Path(path) for path in interpreter], image.base)
    manifest = seal.Manifest(hashes, content).to_bytes()
    files.write_atomically(image.root / seal.FILES, manifest)
    seal.write_seal(image.root, states, interpreter)
    return replace(image, manifest=hashlib.sha256(manifest).hexdigest())
