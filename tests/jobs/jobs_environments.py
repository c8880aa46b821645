"""A virtual environment of its own that an engine could run in, with packages made by hand, and what it freezes."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from jobs_wheels import Index

from cleanroom_ml.engine.jobs.images.catalog import Images
from cleanroom_ml.engine.jobs.images.image import Image
from cleanroom_ml.engine.jobs.images.venv import make_environment
from cleanroom_ml.engine.jobs.layers.lock import DependencyLock

ROOT = Path(__file__).parents[2]
_FREEZE = """
import sys
from pathlib import Path
from cleanroom_ml.engine.jobs.images.catalog import Images
from cleanroom_ml.errors import CleanroomError
try:
    print(Images(Path(sys.argv[1])).freeze(again=sys.argv[2:] == ["again"]).digest)
except CleanroomError as error:
    sys.exit(f"{error.what}\\n{error.fix}")
"""


@dataclass(frozen=True)
class Environment:
    """`directory`/venv is the environment; `store` is where its person's frozen images lie."""

    directory: Path
    index: Index
    store: Path

    @classmethod
    def make(cls, directory: Path, index: Index, store: Path) -> Environment:
        directory.mkdir(parents=True)
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        make_environment(Path(sys.base_prefix, "bin", version), directory / "venv")
        return cls(directory, index, store)

    @property
    def libraries(self) -> Path:
        return next((self.directory / "venv" / "lib").glob("python*/site-packages"))

    def pip(self, *arguments: str) -> None:
        python = str(self.directory / "venv" / "bin" / "python")
        argv = [sys.executable, "-I", "-m", "pip", "--python", python, *arguments]
        environ = {**self.index.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        subprocess.run(argv, env=environ, check=True, capture_output=True)

    def freeze(self, home: Path, *, again: bool = False) -> Image:
        """What an engine that runs here would freeze. Raises RuntimeError with what it said."""
        ours = str(Path(metadata.distribution("packaging").locate_file("")))
        argv = [str(self.directory / "venv" / "bin" / "python"), "-P", "-c", _FREEZE, str(home / "images")]
        done = subprocess.run(
            [*argv, *(["again"] if again else [])],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{ours}", "CLEANROOM_ML_IMAGES": str(self.store)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        digest = done.stdout.strip()
        return self.images(home).pinned("local", digest)

    def images(self, home: Path) -> Images:
        return Images(home / "images", environ={"CLEANROOM_ML_IMAGES": str(self.store)})


def lock_of(image: Image) -> DependencyLock:
    """What registering a code spec in this image gives."""
    return DependencyLock(image.tag, image.digest, image.python)
