"""Content manifests: walk, hash, compare, verify."""

from cleanroom_ml.artifacts.build import build_manifest, verify_directory
from cleanroom_ml.artifacts.compare import ManifestDiff, compare
from cleanroom_ml.artifacts.ignore import IGNORE_FILE, IgnoreRules
from cleanroom_ml.artifacts.manifest import FileEntry, InvalidManifestError, Manifest
from cleanroom_ml.artifacts.paths import UnsafePathError, safe_relative_path
from cleanroom_ml.artifacts.progress import Observer, Silent
from cleanroom_ml.artifacts.scan import (
    NO_LIMITS,
    SNOWFLAKE_LIMITS,
    FileChangedError,
    LimitExceededError,
    Limits,
    NotAFileError,
    ignore_rules,
    open_inside,
    scan,
)
from cleanroom_ml.artifacts.secrets import Secret, SecretsFoundError, find_secrets, refuse_secrets, secret_name

__all__ = [
    "IGNORE_FILE",
    "NO_LIMITS",
    "SNOWFLAKE_LIMITS",
    "FileChangedError",
    "FileEntry",
    "IgnoreRules",
    "InvalidManifestError",
    "LimitExceededError",
    "Limits",
    "Manifest",
    "ManifestDiff",
    "NotAFileError",
    "Observer",
    "Secret",
    "SecretsFoundError",
    "Silent",
    "UnsafePathError",
    "build_manifest",
    "compare",
    "find_secrets",
    "ignore_rules",
    "open_inside",
    "refuse_secrets",
    "safe_relative_path",
    "scan",
    "secret_name",
    "verify_directory",
]
