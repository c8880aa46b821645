"""What jobs run in beside their code, as rooms and pools speak of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # a job's supervisor never needs them, and pydantic takes its time
    from cleanroom_ml.artifacts.manifest import FileEntry
    from cleanroom_ml.specs.requirements import Requirement


@dataclass(frozen=True, slots=True)
class Needs:
    """What one ML job of a code spec asks for. `code`: the files of its code directory by path, its wheels among them.

    `image_tag` is None where the spec names none: then the newest image is taken, and pinned.
    """

    account: str
    code_spec_id: str
    job_name: str
    image_tag: str | None
    requirements: tuple[Requirement, ...]
    code: Mapping[str, FileEntry]


class Environments(Protocol):
    """Finds images and packages. Blocking: resolving asks the operator's package index."""

    def lock(self, needs: Needs) -> dict[str, object]:
        """The dependency lock: the image's tag and digest, and every wheel by its SHA-256, in the object store.

        Raises:
            SqlError: ImageNotBuiltError, RequirementNotSatisfiedError, DependencyConflictError,
                BinaryPackagesOnlyError, PackageIndexUnreachableError, ContentHashMismatchError, UnsafeWheelError,
                LayerTooLargeError, DirectReferenceError, PackageImportError.
        """

    def drift(self, tag: str | None, pinned: str) -> Mapping[str, object]:
        """Whether the image with the digest `pinned` is kept, what `tag` (None: the newest) means now, and in which
        packages the two differ; keys `kept`, `now_tag`, `now`, `differences`.
        """
