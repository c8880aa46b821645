"""Files that look like secrets, by name and by content; and files that only sound like it."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from cleanroom_ml.artifacts.secrets import WHOLE_BYTES, SecretsFoundError, find_secrets, refuse_secrets
from cleanroom_ml.errors import UsageError

NAMES = re.findall(
    r"\S+",
    """
.env .env.local .env.production prod.env .envrc id_rsa id_ed25519 id_ecdsa_sk id_rsa.bak deploy.key rsa_key.p8
client.p12 client.pfx trust.jks app.keystore putty.ppk .netrc _netrc .pgpass .pypirc .npmrc .git-credentials
.my.cnf .htpasswd connections.toml credentials credentials.json credentials.csv client_secret_1.json
service-account.json secrets.toml secrets.yaml kubeconfig prod.kubeconfig .vault-token token .token token.json
terraform.tfstate passwords.txt .aws/config .ssh/known .kube/config .docker/config.json .snowflake/config.toml
sub/.azure/x deep/er/.ENV ID_RSA a/.ipynb_checkpoints/train.py train-checkpoint.ipynb
""",
)
HARMLESS = re.findall(
    r"\S+",
    """
train.py secrets.py token.py credentials.py passwords.md tokenizer.json special_tokens_map.json tokens.parquet
env.py environment.yml keys.csv keyword.json monkey.txt id_rsa.pub id_rsa.py certificates.crt .env.example
model.safetensors connections.py config.toml public_key.txt secretary.json
""",
)

RSA = rsa.generate_private_key(public_exponent=65537, key_size=1024)
EC = ec.generate_private_key(ec.SECP256R1())
PKCS8 = EC.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
REQUEST = x509.CertificateSigningRequestBuilder().subject_name(NAME).sign(EC, hashes.SHA256())
PUBLIC = EC.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

CONTENTS = {
    "pkcs8": PKCS8,
    "pkcs1": RSA.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
    "encrypted": EC.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")),
    "encrypted, traditional": RSA.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"x")
    ),
    "openssh": EC.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()),
    "der": RSA.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
    "der, traditional": RSA.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
    "der, elliptic": EC.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
    "der, elliptic, traditional": EC.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
    "pgp": b"-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 1\n\nlQOYBF0000000000000000000000\n",
    "dos line ends": PKCS8.replace(b"\n", b"\r\n"),
    "in the middle": b"x = 1\n" * 5000 + PKCS8 + b"y = 2\n" * 5000,
    "in source, line by line": b'KEY = (\n    "' + PKCS8.strip().replace(b"\n", b'\\n"\n    "') + b'"\n)\n',
    "service account": b'{"type": "service_account", "private_key": "' + PKCS8.replace(b"\n", b"\\n") + b'"}',
    "authorized user": b'{"type": "authorized_user", "refresh_token": "1//0abcdefghijklmnopqrstuvwxyz"}',
    "putty": b"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n",
    "aws": b"[default]\naws_access_key_id = A\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n",
    "azure": b"DefaultEndpointsProtocol=https;AccountKey=" + b"a" * 86 + b"==",
    "kubernetes": b"users:\n- user:\n    client-key-data: " + b"L" * 60,
    "github": b"token = 'ghp_" + b"a1" * 18 + b"'",
    "slack": b"xoxb-123456789012-abcdefghijkl",
    "pypi": b"password = pypi-AgEIcHlwaS5vcmc" + b"A" * 60,
    "hugging face": b"hf_" + b"Ab" * 17 + b"\n",
    "signed": b"Authorization: Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6.eyJzdWIiOiIxMjM0NTY3ODkwIn0." + b"S" * 43,
}


def looks(directory: Path, name: str, content: bytes) -> str:
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return next((secret.what for secret in find_secrets(directory, [name])), "")


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_says_secret(tmp_path: Path, name: str) -> None:
    assert looks(tmp_path, name, b"nothing\n")


@pytest.mark.parametrize("name", HARMLESS)
def test_a_name_that_only_sounds_like_it(tmp_path: Path, name: str) -> None:
    assert looks(tmp_path, name, b"nothing\n") == ""


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
@pytest.mark.parametrize("name", ["notes.txt", "module.py", "model.bin"])
def test_a_content_that_is_secret_whatever_the_name(tmp_path: Path, name: str, content: bytes) -> None:
    assert looks(tmp_path, name, content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.toml", b'[connections.prod]\naccount = "o-a"\nuser = "me"\npassword = "hunter22"\n'),
        ("pip.conf", b"[global]\nindex-url = https://me:s3cretword@index.example.com/simple\n"),
    ],
)
def test_settings_with_a_password(tmp_path: Path, name: str, content: bytes) -> None:
    assert looks(tmp_path, name, content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("ca.pem", REQUEST.public_bytes(Encoding.PEM) + PUBLIC),
        ("key.txt", PUBLIC),
        ("parser.py", b'if text.startswith("-----BEGIN PRIVATE KEY-----"):\n    raise ValueError("a key")\n'),
        ("doc.md", b"a file that begins with -----BEGIN RSA PRIVATE KEY----- is one\n"),
        ("config.toml", b'[connections.prod]\naccount = "o-a"\npassword = "$PASSWORD"\n'),
        ("pip.conf", b"index-url = https://user:${TOKEN}@index.example.com/simple\n"),
        ("tokenizer.json", b'{"model": {"vocab": {"secret": 1, "token": 2, "hf_": 3, "sk-": 4}}}'),
        ("settings.py", b"aws_secret_access_key = os.environ['AWS_SECRET_ACCESS_KEY']\n"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_secret(tmp_path: Path, name: str, content: bytes) -> None:
    assert looks(tmp_path, name, content) == ""


@pytest.mark.parametrize("name", ["certificates.pem", "key.pem"])
def test_a_pem_file_is_let_through_for_what_it_holds(tmp_path: Path, name: str) -> None:
    assert looks(tmp_path, name, PUBLIC) == ""
    assert looks(tmp_path, name, PUBLIC + PKCS8)
    assert looks(tmp_path, name, b"no label at all")


def test_a_large_file_is_looked_at_in_its_beginning_and_its_end(tmp_path: Path) -> None:
    filler = b"\0" * (WHOLE_BYTES + 1)
    assert looks(tmp_path, "begin.bin", b"\n" + PKCS8 + filler)
    assert looks(tmp_path, "end.bin", filler + PKCS8)


def test_no_content_takes_long(tmp_path: Path) -> None:
    """Texts that would make a careless expression try again at every character."""
    begun = time.monotonic()
    for piece in (
        b"eyJ" + b"A" * 61,
        b"-----BEGIN PRIVATE KEY-----\n",
        b"\n",
        b"a://",
        b"account =\n",
        b'"refresh_token": "',
    ):
        assert looks(tmp_path, "hostile.toml", piece * (512 * 1024 // len(piece)) + b".eyJ") == ""
    assert time.monotonic() - begun < 60


def test_secrets_are_refused_by_name_unless_each_is_allowed(tmp_path: Path) -> None:
    for name in (".env", "sub/id_rsa", "train.py"):
        looks(tmp_path, name, b"x")
    paths = [".env", "sub/id_rsa", "train.py"]
    found = find_secrets(tmp_path, paths)
    with pytest.raises(SecretsFoundError) as caught:
        refuse_secrets(found, [".env"], paths)
    assert [secret.path for secret in caught.value.secrets] == ["sub/id_rsa"]
    assert "sub/id_rsa" in caught.value.what
    assert "--allow-secret sub/id_rsa" in str(caught.value.fix)
    refuse_secrets(found, [".env", "sub/id_rsa"], paths)
    with pytest.raises(UsageError, match="no such file"):
        refuse_secrets(found, [".env", "sub/id_rsaa"], paths)
