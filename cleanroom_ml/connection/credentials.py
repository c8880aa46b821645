"""A connection's settings as the connector takes them, with what Snowflake's own command line does to them.

Source: `snowflake-cli`, `_app/snow_connector.py`, `connect_to_snowflake`, and the connector's `connection.py`: keys
from a file or from a variable, with PRIVATE_KEY_PASSPHRASE where they are encrypted; a token from a file; the token
cache of logins with a second device; texts of variables as the booleans and numbers that they stand for.

Nothing of a key, a token or a passphrase is ever in an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cleanroom_ml.errors import ConnectError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_MOST_OF_A_KEY: Final = 64 * 1024
_BOOLEANS: Final = frozenset(
    {
        "client_store_temporary_credential", "client_request_mfa_token", "oauth_disable_pkce", "passcode_in_password",
        "oauth_enable_refresh_tokens", "oauth_enable_single_use_refresh_tokens", "client_session_keep_alive",
        "disable_ocsp_checks", "ocsp_fail_open", "workload_identity_aws_use_outbound_token",
    }
)  # fmt: skip
_NUMBERS: Final = frozenset(
    {"login_timeout", "network_timeout", "socket_timeout", "external_browser_timeout", "client_prefetch_threads"}
)
_TRUE, _FALSE = frozenset({"true", "1", "yes", "on"}), frozenset({"false", "0", "no", "off"})
_KEY_FILE, _KEY_TEXT = "private_key_file", "private_key_raw"
_PASSPHRASES: Final = ("private_key_file_pwd", "private_key_passphrase")


def for_connector(name: str, settings: Mapping[str, object]) -> dict[str, object]:
    """The keyword arguments of `snowflake.connector.connect`.

    Args:
        name: the connection's, for errors.
        settings: `Target.parameters`.

    Raises:
        ConnectError: a key or token cannot be read, or a value is not of its key's kind; it names the key.
    """
    given = {key: _typed(name, key, value) for key, value in settings.items()}
    passphrases = [given.pop(key) for key in _PASSPHRASES if key in given]
    file, text = given.pop(_KEY_FILE, None), given.pop(_KEY_TEXT, None)
    if file is not None or text is not None:
        source = _KEY_FILE if file is not None else _KEY_TEXT
        content = _read(name, _KEY_FILE, str(file)) if file is not None else str(text).encode("utf-8")
        given["private_key"] = _key(name, source, content, passphrases[0] if passphrases else None)
    if "token_file_path" in given:
        given["token"] = (
            _read(name, "token_file_path", str(given.pop("token_file_path"))).decode("utf-8", "replace").strip()
        )
    if str(given.get("authenticator", "")).lower() == "username_password_mfa":
        given.setdefault("client_request_mfa_token", True)
    if given.get("session_token") and given.get("master_token"):
        given.setdefault("server_session_keep_alive", True)
    return given


def _typed(name: str, key: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    if key in _BOOLEANS:
        if value.lower() not in _TRUE | _FALSE:
            raise _unusable(name, key, "it is neither true nor false")
        return value.lower() in _TRUE
    if key in _NUMBERS:
        if not value.isascii() or not value.isdigit() or len(value) > 9:
            raise _unusable(name, key, "it is no whole number")
        return int(value)
    return value


def _read(name: str, key: str, path: str) -> bytes:
    try:
        with Path(path).expanduser().open("rb") as file:
            content = file.read(_MOST_OF_A_KEY + 1)
    except (OSError, RuntimeError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is no path"
        raise _unusable(name, key, f"{path}: {reason}") from None
    if len(content) > _MOST_OF_A_KEY:
        raise _unusable(name, key, f"{path} has more than {_MOST_OF_A_KEY:,} bytes")
    return content


def _key(name: str, source: str, content: bytes, passphrase: object) -> RSAPrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    encrypted = b"ENCRYPTED" in content
    if encrypted and not passphrase:
        raise _unusable(
            name, source, "the key is encrypted, and there is no passphrase", "export PRIVATE_KEY_PASSPHRASE"
        )
    secret = passphrase if isinstance(passphrase, bytes) else str(passphrase).encode("utf-8")
    try:
        key = load_pem_private_key(content, secret if encrypted else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        why = "the passphrase does not open the key" if encrypted else "it is no private key in PEM"
        raise _unusable(name, source, why) from None
    if not isinstance(key, RSAPrivateKey):
        raise _unusable(name, source, "it is no RSA key")
    return key


def _unusable(name: str, key: str, why: str, fix: str | None = None) -> ConnectError:
    return ConnectError(
        f"`{key}` of the connection {name!r} cannot be used",
        why=why,
        fix=fix or f"cleanroom-ml connection explain {name}",
    )
