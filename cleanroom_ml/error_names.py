"""The clean room's errors by name, as its procedures raise them and as clients know them: all of an error in one place.

Names, number and SQL state are the documentation's (docs/api-digest.md §7) or, where it has none, of the same make.
"""

from __future__ import annotations

import re
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

NUMBER: Final = 100357
SQLSTATE: Final = "P0000"

# Also of errors that the documentation does not list, and that only Snowflake raises.
_SAID = re.compile(
    r"\b([A-Z][A-Za-z]+(?:Error|Exception|InDataOffering|InCollaboration|WithoutDataOffering|NotServingAnalysisRunner"
    r"|AlreadyReviewed|InvitationNotFound)): (.*)",
    re.DOTALL,
)


class ErrorName(StrEnum):
    """An error of the clean room. The text that a client reads is `<name>: <message>`.

    `kind` is what it is on the command line, with its exit code; `fix` is the command that shows what it is about.
    """

    kind: type[CleanroomError]
    fix: str | None

    def __new__(cls, name: str, kind: type[CleanroomError] = ServerError, fix: str | None = None) -> ErrorName:
        """The member with this name."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.kind, member.fix = kind, fix
        return member

    ActivationError = "ActivationError"
    BinaryPackagesOnlyError = "BinaryPackagesOnlyError"
    CodeSpecAlreadyExistsException = "CodeSpecAlreadyExistsException"
    CodeSpecArtifactNotFoundAtStageError = "CodeSpecArtifactNotFoundAtStageError"
    CodeSpecNotFoundForOwnerException = "CodeSpecNotFoundForOwnerException"
    CodeSpecStageNotAccessibleError = "CodeSpecStageNotAccessibleError"
    CollaborationAlreadyExistsException = "CollaborationAlreadyExistsException"
    CollaborationAlreadyReviewed = "CollaborationAlreadyReviewed", ServerError, "cleanroom-ml collaboration list"
    CollaborationInvitationNotFound = "CollaborationInvitationNotFound", ServerError, "cleanroom-ml collaboration list"
    CollaborationNotFoundException = "CollaborationNotFoundException", ServerError, "cleanroom-ml collaboration list"
    CollaborationStateException = "CollaborationStateException"
    CollaboratorAliasNotFoundInCollaboration = "CollaboratorAliasNotFoundInCollaboration"
    ComputePoolError = "ComputePoolError", ServerError, "cleanroom-ml pool list"
    ContentHashMismatchError = "ContentHashMismatchError", HashMismatchError
    DataOfferingAlreadyExistsException = "DataOfferingAlreadyExistsException"
    DataOfferingAlreadyLinkedException = "DataOfferingAlreadyLinkedException"
    DataProviderWithoutDataOffering = "DataProviderWithoutDataOffering"
    DatasetNotFoundInDataOfferingException = (
        "DatasetNotFoundInDataOfferingException",
        ServerError,
        "cleanroom-ml offering list",
    )
    DependencyConflictError = "DependencyConflictError"
    DirectReferenceError = "DirectReferenceError"
    ImageChangedError = "ImageChangedError"
    ImageNotBuiltError = "ImageNotBuiltError", ServerError, "cleanroom-ml image list"
    InvalidCollaborationStatusError = (
        "InvalidCollaborationStatusError",
        ServerError,
        "cleanroom-ml collaboration status",
    )
    LayerChangedError = "LayerChangedError"
    LayerTooLargeError = "LayerTooLargeError"
    MLJobFailedError = "MLJobFailedError"
    MLJobMonitoringNotAllowedError = "MLJobMonitoringNotAllowedError", PolicyDeniedError
    MLJobNotFinishedError = "MLJobNotFinishedError"
    MLJobNotFoundException = "MLJobNotFoundException", ServerError, "cleanroom-ml jobs"
    MLJobResultTooLargeError = "MLJobResultTooLargeError", ResultRefusedError
    PackageImportError = "PackageImportError"
    PackageIndexUnreachableError = "PackageIndexUnreachableError"
    PermissionDeniedException = "PermissionDeniedException", PolicyDeniedError
    PolicyViolationError = "PolicyViolationError", PolicyDeniedError
    PresetTableUnsupportedReferenceError = "PresetTableUnsupportedReferenceError"
    ProviderNotServingAnalysisRunner = "ProviderNotServingAnalysisRunner", PolicyDeniedError
    RegistryAlreadyExistsException = "RegistryAlreadyExistsException"
    RegistryNotFoundException = "RegistryNotFoundException"
    RequirementNotSatisfiedError = "RequirementNotSatisfiedError"
    ResourceInUseException = "ResourceInUseException"
    ResourceNotFoundException = "ResourceNotFoundException"
    ResultNotAllowedError = "ResultNotAllowedError", ResultRefusedError
    SpecValidationError = "SpecValidationError"
    StageDirectoryNotEnabledError = "StageDirectoryNotEnabledError"
    TemplateAlreadyExistsException = "TemplateAlreadyExistsException"
    TemplateNotApprovedException = "TemplateNotApprovedException", NotApprovedError, "cleanroom-ml requests"
    TemplateNotFoundForOwnerException = "TemplateNotFoundForOwnerException"
    TemplateRenderError = "TemplateRenderError"
    UnsafeWheelError = "UnsafeWheelError"
    UpdateRequestNotFoundException = "UpdateRequestNotFoundException", ServerError, "cleanroom-ml requests --all"
    UpdateRequestStateException = "UpdateRequestStateException"

    def text(self, message: str) -> str:
        """What a client reads."""
        return f"{self.value}: {message}"


def said(text: str) -> tuple[str, str] | None:
    """The name and the message of what a client read, whether the name is one of `ErrorName` or not; None: no name."""
    match = _SAID.search(text)
    return (match.group(1), match.group(2)) if match else None


def known(name: str | None) -> ErrorName | None:
    """The error of this name; None for a name that is not here."""
    return ErrorName(name) if name in set(ErrorName) else None
