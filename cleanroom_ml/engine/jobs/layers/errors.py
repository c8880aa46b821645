"""Why a job cannot have the packages or the image that it asks for. A client sees `<name>: <what>`."""

from __future__ import annotations

from typing import ClassVar

from cleanroom_ml.engine.jobs.errors import JobsError, RequirementNotSatisfiedError
from cleanroom_ml.error_names import ErrorName


class DependencyConflictError(JobsError):
    """Two requirements, or one and the image, cannot hold together."""

    name: ClassVar[ErrorName] = ErrorName.DependencyConflictError


class BinaryPackagesOnlyError(RequirementNotSatisfiedError):
    """What is asked for exists as source only, or as a binary for other machines."""

    name: ClassVar[ErrorName] = ErrorName.BinaryPackagesOnlyError


class PackageIndexError(JobsError):
    """The operator's package index does not answer, or pip itself does not work here."""

    name: ClassVar[ErrorName] = ErrorName.PackageIndexUnreachableError


class PackageHashError(JobsError):
    """A wheel's bytes are not what its index, its RECORD or a lock says."""

    name: ClassVar[ErrorName] = ErrorName.ContentHashMismatchError


class UnsafeWheelError(JobsError):
    """A wheel would write outside of its layer, or take the place of what starts a job."""

    name: ClassVar[ErrorName] = ErrorName.UnsafeWheelError


class DirectReferenceError(JobsError):
    """A package depends on an address instead of a package: nobody's index vouches for what lies there."""

    name: ClassVar[ErrorName] = ErrorName.DirectReferenceError


class PackageImportError(JobsError):
    """A package was installed, and cannot be imported beside the image."""

    name: ClassVar[ErrorName] = ErrorName.PackageImportError


class LayerTooLargeError(JobsError):
    """The packages are larger, or take longer, than a layer may."""

    name: ClassVar[ErrorName] = ErrorName.LayerTooLargeError


class ImageNotBuiltError(JobsError):
    """No image of this tag is built here."""

    name: ClassVar[ErrorName] = ErrorName.ImageNotBuiltError


class ImageChangedError(JobsError):
    """The image that was pinned is not there any more as it was."""

    name: ClassVar[ErrorName] = ErrorName.ImageChangedError


class LayerChangedError(JobsError):
    """What lies in a layer's directory is not what was installed there."""

    name: ClassVar[ErrorName] = ErrorName.LayerChangedError
