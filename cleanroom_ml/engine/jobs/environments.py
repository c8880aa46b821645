"""What jobs run in, beside their code: images and dependency layers, for rooms and pools alike."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path

from cleanroom_ml.engine.contracts.environments import Needs
from cleanroom_ml.engine.contracts.job import JobRequest
from cleanroom_ml.engine.jobs.errors import JobsError, RequirementNotSatisfiedError
from cleanroom_ml.engine.jobs.images import seal
from cleanroom_ml.engine.jobs.images.catalog import Images
from cleanroom_ml.engine.jobs.images.drift import drift
from cleanroom_ml.engine.jobs.images.image import LOCAL, Image
from cleanroom_ml.engine.jobs.layers.diagnosis import without_addresses
from cleanroom_ml.engine.jobs.layers.errors import PackageHashError
from cleanroom_ml.engine.jobs.layers.lock import DependencyLock
from cleanroom_ml.engine.jobs.layers.policy import LayerLimits
from cleanroom_ml.engine.jobs.layers.resolver import Resolver
from cleanroom_ml.engine.jobs.layers.store import LayerStore
from cleanroom_ml.engine.jobs.layers.work import private_directory, sweep_abandoned
from cleanroom_ml.engine.jobs.requirements import check
from cleanroom_ml.engine.sandbox.drivers import Driver
from cleanroom_ml.engine.sandbox.errors import IsolationUnavailable, SandboxStartError
from cleanroom_ml.engine.storage.objects import ObjectStore

log = logging.getLogger(__name__)

_AT_ONCE = 2
_LOGGED_CHARACTERS = 4_000


class Environments:
    """Thread-safe and blocking; at most two resolve at the same time, of one account one.

    Args:
        home: of the engine.
        isolated: False on an engine without sandboxes: then there is `local` and nothing else.
        environ: of the operator, for pip; by default this process's.
        driver: of the sandboxes that packages are resolved, unpacked and imported in; tests weaken it.
    """

    def __init__(
        self,
        home: Path,
        objects: ObjectStore,
        *,
        isolated: bool = True,
        environ: Mapping[str, str] | None = None,
        limits: LayerLimits | None = None,
        driver: Driver | None = None,
    ) -> None:
        self._home = home
        self._images_root = home / "images"
        self._objects = objects
        self._isolated = isolated
        self._environ = environ
        self._limits = limits or LayerLimits()
        self._layers_root = home / "layers"
        self.layers = LayerStore(self._layers_root, objects, limits=self._limits, driver=driver)
        self._driver = driver
        self._turn = threading.BoundedSemaphore(_AT_ONCE)
        self._of_account: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    @property
    def images(self) -> Images:
        """What is built and frozen now, and this installation as it is now."""
        return Images(self._images_root)

    def lock(self, needs: Needs) -> dict[str, object]:
        """Resolve, download, hash and install what a job asks for; its dependency lock in JSON form.

        Blocks for as long as that takes, so it must not be called inside of a transaction. What is refused is logged
        with account, code spec and reason, and leaves no layer behind.

        Raises:
            JobsError: see layers/errors.py; RequirementNotSatisfiedError.
        """
        try:
            return self._locked(needs).to_json()
        except JobsError as error:
            log.warning(
                "dependencies refused: account %s, code spec %s, ML job %s, requires %s: %s: %s",
                needs.account,
                needs.code_spec_id,
                needs.job_name,
                [each.wheel or f"{each.name}{each.specifier}" for each in needs.requirements],
                error.name,
                error.what,
            )
            raise type(error)(f"ML job '{needs.job_name}': {error.what}", why=error.why, fix=error.fix) from error

    def check(self, request: JobRequest) -> Mapping[str, str]:
        """Whether the job's image and wheels are there still; the versions that its record shows.

        Raises:
            JobsError: the image or a wheel is gone; without a lock: a requirement is not installed.
        """
        lock = DependencyLock.from_json(request.dependency_lock)
        if lock is None:
            image = self.images.local
            check(request.job.pip_requirements, image.installed)
            return image.main_packages()
        image = self.images.pinned(lock.image_tag, lock.image_digest)
        for package in lock.packages:
            if not self._objects.exists(package.sha256):
                raise PackageHashError(f"the engine's copy of {package.wheel} is missing")
        held = {package.name: package.version for package in lock.packages}
        return {**image.main_packages(), **lock.provided, **held}

    def image_of(self, lock: DependencyLock | None) -> Image:
        """The image that a lock was made for, looked at just now; without a lock, `local` as it is now.

        Raises:
            ImageNotBuiltError: it is not on this machine.
            ImageChangedError: it is gone, or a file of it was changed.
        """
        images = self.images
        image = images.resolve(LOCAL) if lock is None else images.pinned(lock.image_tag, lock.image_digest)
        seal.check(image)
        return image

    def drift(self, tag: str | None, pinned: str) -> Mapping[str, object]:
        """What has become of the image with the digest `pinned`, and what `tag` means now; see images/drift.py."""
        return asdict(drift(self.images, tag, pinned))

    def layer_of(self, lock: DependencyLock, image: Image) -> Path | None:
        """The lock's layer, verified, made again if it is gone; see LayerStore.ensure."""
        return self.layers.ensure(lock, image)

    def sweep(self, keep: Collection[str]) -> list[str]:
        """Remove layers that are not in `keep`, and what dead processes left; see LayerStore.sweep."""
        sweep_abandoned(self._images_root)
        return self.layers.sweep(keep)

    def _locked(self, needs: Needs) -> DependencyLock:
        image = self.images.resolve(needs.image_tag if self._isolated else LOCAL)
        environ = os.environ if self._environ is None else self._environ
        with self._guard:
            mine = self._of_account.setdefault(needs.account, threading.Lock())
        # One account never holds every place, however long what it asks for takes.
        with mine, self._turn, private_directory(self._layers_root) as work:
            resolver = Resolver(image, self._objects, work, self._home, environ, self._limits, _note, self._driver)
            if not self._isolated:
                resolver.satisfied_only(needs.requirements)
            try:
                lock = resolver.resolve(needs.requirements, needs.code)
                asked = {wanted.name for wanted in needs.requirements}
                self.layers.ensure(lock, image, importing=asked.intersection(each.name for each in lock.packages))
            except (IsolationUnavailable, SandboxStartError) as error:
                raise RequirementNotSatisfiedError(
                    "packages are resolved and unpacked in a sandbox, and none can be had",
                    why=error.what,
                    fix=error.fix,
                ) from error
        return lock


def _note(said: str) -> None:
    text = said[-_LOGGED_CHARACTERS:]
    # Not the rest of an address that was cut.
    whole = text if len(said) <= _LOGGED_CHARACTERS else text.partition("\n")[2]
    log.warning("pip said: %s", without_addresses(whole).strip())
