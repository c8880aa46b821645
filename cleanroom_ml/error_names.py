"""The clean room's errors by name, as its procedures raise them and as clients know them: all of an error in one place.

Names, number and SQL state are the documentation's (docs/api-digest.md §7) or, where it has none, of the same make.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from cleanroom_ml.errors import (
    CleanroomError,
    HashMismatchError,
    NotApprovedError,
    PolicyDeniedError,
    ResultRefusedError,
    ServerError,
)
from cleanroom_ml.naming import ROOM_DATABASE

NUMBER: Final = 100357
SQLSTATE: Final = "P0000"


_AGAIN = "cleanroom-ml spec register --bump"
_REQUIREMENTS = f"change pip_requirements, then: {_AGAIN}"
_ROOMS = "cleanroom-ml collaboration list"
_STATUS = "cleanroom-ml collaboration status"
_OFFERINGS = "cleanroom-ml offering list"
_DOCTOR = "cleanroom-ml doctor -c NAME"
_REGISTRIES = f"CALL {ROOM_DATABASE}.REGISTRY.VIEW_REGISTRIES()"
_LINK_LOCAL = "cleanroom-ml offering link --local"


class ErrorName(StrEnum):
    """An error of the clean room. The text that a client reads is `<name>: <message>`.

    `kind` is what it is on the command line, with its exit code; `fix` is the command or the statement that helps, or
    that shows what it is about. What its message tells besides is in remedies.py.
    """

    kind: type[CleanroomError]
    fix: str | None

    def __new__(cls, name: str, kind: type[CleanroomError] = ServerError, fix: str | None = None) -> ErrorName:
        """The member with this name."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.kind, member.fix = kind, fix
        return member

    ActivationError = "ActivationError", ServerError, "cleanroom-ml activation list"
    BinaryPackagesOnlyError = (
        "BinaryPackagesOnlyError",
        ServerError,
        f"list wheels in pip_requirements, then: {_AGAIN}",
    )
    CodeSpecAlreadyExistsException = "CodeSpecAlreadyExistsException", ServerError, _AGAIN
    CodeSpecArtifactNotFoundAtStageError = "CodeSpecArtifactNotFoundAtStageError", ServerError, "cleanroom-ml stage"
    CodeSpecNotFoundForOwnerException = "CodeSpecNotFoundForOwnerException", ServerError, "cleanroom-ml spec list"
    CodeSpecStageNotAccessibleError = "CodeSpecStageNotAccessibleError", ServerError, "cleanroom-ml stage"
    CollaborationAlreadyExistsException = (
        "CollaborationAlreadyExistsException",
        ServerError,
        _ROOMS,
    )
    CollaborationAlreadyReviewed = "CollaborationAlreadyReviewed", ServerError, "cleanroom-ml collaboration join"
    CollaborationInvitationNotFound = "CollaborationInvitationNotFound", ServerError, _ROOMS
    CollaborationListingReplicationPending = (
        "CollaborationListingReplicationPending",
        ServerError,
        f"{_STATUS}, and once more when it says INVITED",
    )
    CollaborationNotFoundException = "CollaborationNotFoundException", ServerError, _ROOMS
    CollaborationStateException = "CollaborationStateException", ServerError, _STATUS
    CollaboratorAliasNotFoundInCollaboration = (
        "CollaboratorAliasNotFoundInCollaboration",
        ServerError,
        "cleanroom-ml collaboration show",
    )
    ComputePoolError = "ComputePoolError", ServerError, "cleanroom-ml pool list"
    ContentHashMismatchError = "ContentHashMismatchError", HashMismatchError, "cleanroom-ml spec diff"
    DataOfferingAlreadyExistsException = "DataOfferingAlreadyExistsException", ServerError, _OFFERINGS
    DataOfferingAlreadyLinkedException = "DataOfferingAlreadyLinkedException", ServerError, _OFFERINGS
    DataProviderWithoutDataOffering = "DataProviderWithoutDataOffering", ServerError, _OFFERINGS
    DatasetNotFoundInDataOfferingException = (
        "DatasetNotFoundInDataOfferingException",
        ServerError,
        _OFFERINGS,
    )
    DatasetReferenceUsageWithGrantOptionMissingError = (
        "DatasetReferenceUsageWithGrantOptionMissingError",
        ServerError,
        _DOCTOR,
    )
    DependencyConflictError = (
        "DependencyConflictError",
        ServerError,
        _REQUIREMENTS,
    )
    DirectReferenceError = (
        "DirectReferenceError",
        ServerError,
        f"list a name and a version in pip_requirements, then: {_AGAIN}",
    )
    ImageChangedError = "ImageChangedError", ServerError, "cleanroom-ml image list"
    ImageNotBuiltError = "ImageNotBuiltError", ServerError, "cleanroom-ml image list"
    InvalidCollaborationStatusError = (
        "InvalidCollaborationStatusError",
        ServerError,
        _STATUS,
    )
    LayerChangedError = "LayerChangedError", ServerError, "cleanroom-ml image list"
    LayerTooLargeError = (
        "LayerTooLargeError",
        ServerError,
        f"take out of pip_requirements what the image has, then: {_AGAIN}",
    )
    MLJobFailedError = "MLJobFailedError", ServerError, "cleanroom-ml jobs"
    MLJobMonitoringNotAllowedError = (
        "MLJobMonitoringNotAllowedError",
        PolicyDeniedError,
        "cleanroom-ml collaboration config",
    )
    MLJobNotFinishedError = "MLJobNotFinishedError", ServerError, "cleanroom-ml jobs"
    MLJobNotFoundException = "MLJobNotFoundException", ServerError, "cleanroom-ml jobs"
    MLJobResultTooLargeError = (
        "MLJobResultTooLargeError",
        ResultRefusedError,
        "write it to a table of the room, and return its name",
    )
    PackageImportError = (
        "PackageImportError",
        ServerError,
        _REQUIREMENTS,
    )
    PackageIndexUnreachableError = "PackageIndexUnreachableError", ServerError, "cleanroom-ml doctor"
    PermissionDeniedException = "PermissionDeniedException", PolicyDeniedError, "cleanroom-ml collaboration show"
    PolicyViolationError = "PolicyViolationError", PolicyDeniedError, _OFFERINGS
    PresetTableUnsupportedReferenceError = "PresetTableUnsupportedReferenceError", ServerError, "cleanroom-ml validate"
    ProviderNotServingAnalysisRunner = (
        "ProviderNotServingAnalysisRunner",
        ServerError,
        _LINK_LOCAL,
    )
    ReferenceUsageGrantMissingException = (
        "ReferenceUsageGrantMissingException",
        ServerError,
        _DOCTOR,
    )
    RegistryAlreadyExistsException = (
        "RegistryAlreadyExistsException",
        ServerError,
        _REGISTRIES,
    )
    RegistryNotFoundException = (
        "RegistryNotFoundException",
        ServerError,
        _REGISTRIES,
    )
    RequirementNotSatisfiedError = (
        "RequirementNotSatisfiedError",
        ServerError,
        _REQUIREMENTS,
    )
    ResourceInUseException = "ResourceInUseException", ServerError, _ROOMS
    ResourceNotFoundException = "ResourceNotFoundException", ServerError, "cleanroom-ml template list"
    ResultNotAllowedError = "ResultNotAllowedError", ResultRefusedError, _OFFERINGS
    SecondaryRolesNotSupported = "SecondaryRolesNotSupported", ServerError, "USE SECONDARY ROLES NONE"
    SpecValidationError = "SpecValidationError", ServerError, None  # its message says what to correct, and where
    StageDirectoryNotEnabledError = (
        "StageDirectoryNotEnabledError",
        ServerError,
        "cleanroom-ml sql 'ALTER STAGE DB.SCHEMA.STAGE SET DIRECTORY = (ENABLE = TRUE)'  (stage_code_dir names it)",
    )
    TemplateAlreadyExistsException = "TemplateAlreadyExistsException", ServerError, "cleanroom-ml template list"
    TemplateNotApprovedException = "TemplateNotApprovedException", NotApprovedError, "cleanroom-ml requests"
    TemplateNotFoundForOwnerException = "TemplateNotFoundForOwnerException", ServerError, "cleanroom-ml template list"
    TemplateRenderError = "TemplateRenderError", ServerError, "cleanroom-ml template show"
    UnsafeWheelError = (
        "UnsafeWheelError",
        ServerError,
        f"take the wheel out of the code directory, then: {_AGAIN}",
    )
    UpdateRequestNotFoundException = "UpdateRequestNotFoundException", ServerError, "cleanroom-ml requests --all"
    UpdateRequestStateException = "UpdateRequestStateException", ServerError, "cleanroom-ml requests --all"

    def text(self, message: str) -> str:
        """What a client reads."""
        return f"{self.value}: {message}"


def known(name: str | None) -> ErrorName | None:
    """The error of this name; None for a name that is not here."""
    return ErrorName(name) if name in set(ErrorName) else None
