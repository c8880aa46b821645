"""Telling pip that a stand-in is as good as what it stands in for, so that nothing pulls the other one in beside it.

An empty wheel of the other name, with a local version that no index has, satisfies every requirement that the
stand-in's own version satisfies.
"""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path

from packaging.version import Version

from cleanroom_ml.engine.jobs.requirements import STAND_INS


def stand_ins(directory: Path, versions: Mapping[str, str], *, asked: Collection[str] = ()) -> dict[str, str]:
    """Write the empty wheels that `versions` call for into `directory`; the version of each, by the name it satisfies.

    Not for what is there itself, nor for what is `asked` for by its own name.
    """
    directory.mkdir(exist_ok=True)
    directory.chmod(0o755)  # whatever our umask: a sandbox's user is another one
    made: dict[str, str] = {}
    for name, stand_in in STAND_INS.items():
        if stand_in in versions and name not in versions and name not in asked:
            made[name] = f"{Version(versions[stand_in]).public}+{stand_in.replace('-', '.')}"
            _empty_wheel(directory, name, made[name])
    return made


def _empty_wheel(directory: Path, name: str, version: str) -> None:
    about = f"{name}-{version}.dist-info"
    path = directory / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", f"{about}/METADATA,,\n{about}/WHEEL,,\n{about}/RECORD,,\n")
    path.chmod(0o644)
