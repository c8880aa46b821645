"""What an approval is about, as one digest that anybody can recompute, and whose it is."""

from cleanroom_ml.evidence.approval_digest import NotCanonicalError, approval_digest, canonical_json
from cleanroom_ml.evidence.approval_subject import approval_subject
from cleanroom_ml.evidence.parties import Party, parties_of

__all__ = ["NotCanonicalError", "Party", "approval_digest", "approval_subject", "canonical_json", "parties_of"]
