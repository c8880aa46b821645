"""What an approval is about, as one digest that anybody can recompute."""

from cleanroom_ml.evidence.approval_digest import (
    ApprovalSubject,
    ApprovedCodeSpec,
    NotCanonicalError,
    approval_digest,
    canonical_json,
)

__all__ = ["ApprovalSubject", "ApprovedCodeSpec", "NotCanonicalError", "approval_digest", "canonical_json"]
