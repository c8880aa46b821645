"""Files that look like secrets: by their names, and by what stands in them.

What is staged is shown to whoever approves it, and stays. So a key, a password file or a token is refused unless its
owner says that it is meant. A guard against mistakes, not against somebody who wants to send a secret: archives are not
opened, and of a large file the beginning and the end are read.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from cleanroom_ml.artifacts.scan import open_inside
from cleanroom_ml.errors import UsageError

WHOLE_BYTES = 16 * 1024**2
"""Files up to here are read whole; of larger ones the first 8 MiB and the last MiB."""

_FIRST_BYTES, _LAST_BYTES = 8 * 1024**2, 1024**2
_LISTED, _ADVISED = 20, 5

# Directories of a person's own that hold credentials under many names.
_DIRECTORIES = frozenset(
    {".ssh", ".gnupg", ".aws", ".azure", ".gcloud", ".kube", ".snowflake", ".docker", ".huggingface"}
)
_CHECKPOINTS = ".ipynb_checkpoints"

_SSH_ENDS = ("", "_sk", ".*", "_*", "-*")
# Modules and pages are often about secrets: `secrets.py`, `token.py`. Only what stands in them counts.
_ABOUT = (".py", ".pyi", ".md", ".rst", ".pub")
# Examples of environment files hold names, and values only for show; again, what stands in them counts.
_EXAMPLES = (".env.example", ".env.sample", ".env.template", ".env.dist")

# What a file is by the patterns of its name, in lower case.
_NAMES = {
    "an environment file": ".env .env.* *.env .envrc",
    "a private key": " ".join(
        ["*.ppk *.p8 *.key", *(f"id_{kind}{end}" for kind in ("rsa", "dsa", "ecdsa", "ed25519") for end in _SSH_ENDS)]
    ),
    "a key store": "*.p12 *.pfx *.pkcs12 *.jks *.keystore *.kdbx",
    "a password file": ".netrc _netrc .pgpass pgpass.conf .my.cnf .mylogin.cnf .htpasswd passwd shadow"
    " password password.txt passwords passwords.txt",
    "credentials": "connections.toml connections.*.toml credentials credentials.* .credentials *_credentials.json"
    " .pypirc .npmrc .git-credentials .dockercfg .s3cfg .boto .databrickscfg .terraformrc kaggle.json"
    " client_secret*.json service_account*.json service-account*.json serviceaccount*.json accesstokens.json"
    " secrets.toml secrets.y*ml secrets.json secrets.ini secret.y*ml secret.json"
    " *.tfstate *.tfstate.backup *.publishsettings msal_token_cache*",
    "a token": "token token.txt token.json .token *.token *_token .vault-token",
    "a Kubernetes configuration": "kubeconfig kubeconfig.* *.kubeconfig",
    "a notebook's checkpoint": "*-checkpoint.ipynb",
}
_PATTERNS = tuple((pattern, what) for what, patterns in _NAMES.items() for pattern in patterns.split())

_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,60})-----")
# What a PEM file may hold without being a secret.
_PUBLIC_PEM = re.compile(
    rb"(?:TRUSTED |X509 )?CERTIFICATE(?: REQUEST)?|NEW CERTIFICATE REQUEST|X509 CRL|(?:RSA |EC |DSA )?PUBLIC KEY|PKCS7|"
    rb"(?:DH|EC|DSA) PARAMETERS"
)
# A key is more than its first line: code that looks for one holds that line too, as this file does. Line ends may be
# written out (in JSON, in source); OpenSSL puts headers in front of the key.
_PRIVATE_KEY = re.compile(
    rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    rb"(?:\\[rn]|[\s\"'+,]){1,64}(?:[A-Za-z\-]{1,30}: [^\n\\]{0,200}(?:\\[rn]|\s){1,16}){0,4}[A-Za-z0-9+/=]{16}"
)
# PKCS #8, PKCS #1 and SEC 1, not in PEM: version, algorithm, key (RFC 5958, RFC 8017, RFC 5915).
_DER = re.compile(
    rb"\x30.{1,4}\x02\x01\x00\x30.\x06|\x30\x82..\x02\x01\x00\x02[\x81\x82]|\x30.{1,3}\x02\x01\x01\x04[\x20\x30\x42]",
    re.DOTALL,
)
# What it is, texts of which one must be there (looked for first: much faster than an expression), and the expression.
_CONTENTS: tuple[tuple[str, tuple[bytes, ...], re.Pattern[bytes]], ...] = (
    ("a private key", (b"PRIVATE KEY",), _PRIVATE_KEY),
    ("a PuTTY key", (b"PuTTY-User-Key",), re.compile(rb"(?:\A|\n)PuTTY-User-Key-File-[0-9]")),
    (
        "an AWS secret key",
        (b"ecret", b"SECRET"),
        re.compile(rb"(?i:aws.?secret.?access.?key)[\"']?\s{0,8}[=:]\s{0,8}[\"']?[A-Za-z0-9/+]{40}\b"),
    ),
    ("an Azure storage key", (b"AccountKey=",), re.compile(rb"AccountKey=[A-Za-z0-9+/]{60,100}={0,2}")),
    ("Google credentials", (b'"refresh_token"',), re.compile(rb"\"refresh_token\"\s{0,8}:\s{0,8}\"[^\"\s]{20,4000}\"")),
    (
        "credentials",
        (b'ecret"',),
        re.compile(rb"\"client_?[sS]ecret\"\s{0,8}:\s{0,8}\"[^\"\s]{12,4000}\""),
    ),
    ("a Kubernetes configuration", (b"client-key-data",), re.compile(rb"client-key-data:\s{0,8}[A-Za-z0-9+/]{40}")),
    (
        "a GitHub token",
        (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_"),
        re.compile(rb"(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60})"),
    ),
    ("a GitLab token", (b"glpat-",), re.compile(rb"glpat-[A-Za-z0-9_\-]{20}")),
    ("a Slack token", (b"xox",), re.compile(rb"xox[abeprs]-[A-Za-z0-9\-]{20}")),
    (
        "a package index's token",
        (b"pypi-AgE", b"npm_"),
        re.compile(rb"(?:pypi-AgE[A-Za-z0-9_\-]{50}|npm_[A-Za-z0-9]{36}\b)"),
    ),
    ("a Hugging Face token", (b"hf_",), re.compile(rb"hf_[A-Za-z0-9]{34}\b")),
    (
        "an API key",
        (b"AIza", b"sk_live_", b"sk-proj-", b"sk-ant-", b"sk-svcacct-"),
        re.compile(rb"(?:AIza[A-Za-z0-9_\-]{35}\b|sk_live_[A-Za-z0-9]{20}|sk-(?:proj|ant|svcacct)-[A-Za-z0-9_\-]{20})"),
    ),
    (
        "a signed token",
        (b".eyJ",),
        re.compile(rb"eyJ[A-Za-z0-9_\-]{16,4000}\.eyJ[A-Za-z0-9_\-]{16,8000}\.[A-Za-z0-9_\-]{32}"),
    ),
)
_SETTINGS = (".toml", ".ini", ".cfg", ".conf", ".yaml", ".yml", ".json", ".properties")
_SETTINGS_BYTES = 1024**2
_PASSWORD_OF_A_CONNECTION = (
    re.compile(rb"(?im)^\s{0,16}(?:\[connections|account\s{0,8}=)"),
    re.compile(
        rb"(?im)^\s{0,16}(?:password|passcode|token|private_key(?:_raw|_passphrase)?)\s{0,8}=\s{0,8}[\"']?[^\s\"'$<{]"
    ),
)
_PASSWORD_IN_URL = re.compile(rb"[a-z]://[^\s/:@\"']{1,100}:[^\s/:@\"'$<{*]{4,200}@[A-Za-z0-9]")


@dataclass(frozen=True, slots=True)
class Secret:
    """A file that looks like a secret. `what` is what it looks like: `a private key`."""

    path: str
    what: str


class SecretsFoundError(UsageError):
    """Files that look like secrets would have been staged; `differences` names each with what it looks like."""

    def __init__(self, found: Iterable[Secret]) -> None:
        self.secrets = tuple(found)
        names = ", ".join(f"{secret.path} ({secret.what})" for secret in self.secrets[:_LISTED])
        more = f" and {len(self.secrets) - _LISTED} more" if len(self.secrets) > _LISTED else ""
        one = len(self.secrets) == 1
        super().__init__(
            f"{names}{more}: {'looks like a secret' if one else 'these look like secrets'}",
            why="what is staged, the other parties read",
            fix="move it away, list it in .cleanroomignore, or, if it is meant: "
            + " ".join(f"--allow-secret {secret.path}" for secret in self.secrets[:_ADVISED]),
        )
        self.differences = tuple(f"{secret.path}: {secret.what}" for secret in self.secrets)


def find_secrets(directory: Path | str, paths: Iterable[str]) -> tuple[Secret, ...]:
    """Which of these files of a directory look like secrets, in the order given. Each is read in bounded memory.

    Raises:
        FileChangedError, NotAFileError: a file is not there any more, or is none.
    """
    found = []
    for path in paths:
        what = secret_name(path)
        if not what:
            with open_inside(directory, path) as descriptor:
                what = _secret_content(path, descriptor)
        if what:
            found.append(Secret(path, what))
    return tuple(found)


def secret_name(path: str) -> str:
    """What a file looks like by its path alone; `` where the name says nothing."""
    *parents, name = path.lower().split("/")
    if _CHECKPOINTS in parents:
        return "a notebook's checkpoint"
    if _DIRECTORIES.intersection(parents):
        return "credentials"
    if name.endswith((*_ABOUT, *_EXAMPLES)):
        return ""
    return next((what for pattern, what in _PATTERNS if fnmatch.fnmatchcase(name, pattern)), "")


def refuse_secrets(found: Iterable[Secret], allowed: Collection[str], paths: Collection[str]) -> None:
    """Raise unless each of `found` is allowed.

    Args:
        allowed: paths that the person has said are meant.
        paths: all files there are: one that is allowed must be among them, or its name was mistyped.

    Raises:
        SecretsFoundError: naming every file.
        UsageError: an allowed path is no file of the directory.
    """
    for path in allowed:
        if path not in paths:
            near = get_close_matches(path, list(paths), n=1)
            raise UsageError(
                f"--allow-secret {path}: there is no such file to stage",
                why=f"did you mean {near[0]!r}?" if near else None,
            )
    refused = [secret for secret in found if secret.path not in allowed]
    if refused:
        raise SecretsFoundError(refused)


def _secret_content(path: str, descriptor: int) -> str:
    size = os.fstat(descriptor).st_size
    if size <= WHOLE_BYTES:
        parts = [_read(descriptor, 0, WHOLE_BYTES)]
    else:
        parts = [_read(descriptor, 0, _FIRST_BYTES), _read(descriptor, size - _LAST_BYTES, _LAST_BYTES)]
    return next((what for part in parts if (what := _looks_like(path.lower(), part))), "")


def _looks_like(path: str, content: bytes) -> str:
    if _DER.match(content):
        return "a private key"
    for what, literals, pattern in _CONTENTS:
        if any(literal in content for literal in literals) and pattern.search(content):
            return what
    if path.endswith(".pem") and not _only_public(content):
        return "a PEM file that is not only certificates"
    if path.endswith(_SETTINGS):
        content = content[:_SETTINGS_BYTES]
        if all(pattern.search(content) for pattern in _PASSWORD_OF_A_CONNECTION):
            return "a connection with its password"
        if _PASSWORD_IN_URL.search(content):
            return "an address with a password"
    return ""


def _only_public(content: bytes) -> bool:
    labels = _PEM.findall(content)
    return bool(labels) and all(_PUBLIC_PEM.fullmatch(label) for label in labels)


def _read(descriptor: int, at: int, maximum: int) -> bytes:
    blocks, left = [], maximum
    while left > 0 and (block := os.pread(descriptor, min(left, 1024**2), at)):
        blocks.append(block)
        at += len(block)
        left -= len(block)
    return b"".join(blocks)
