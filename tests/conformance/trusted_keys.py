"""A plugin for all suites: the key that an account here was just made with is not proved to be RSA at each login.

Every test connects anew, and the proof takes longer than the rest of connecting does. Done when this is imported.
"""

from __future__ import annotations

from functools import partial

from cryptography.hazmat.primitives import serialization

for _name in ("load_pem_private_key", "load_der_private_key"):
    setattr(serialization, _name, partial(getattr(serialization, _name), unsafe_skip_rsa_key_validation=True))
