"""Certificates of an authority that nobody knows but who is told."""

import ssl
from pathlib import Path
from typing import NamedTuple

import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)


class Certificate(NamedTuple):
    """A certificate in PEM, its key, and whom to trust for it."""

    file: Path
    key: Path
    trust: ssl.SSLContext


def issue(folder: Path, name: str = "127.0.0.1") -> Certificate:
    """Issue a certificate for a host."""
    authority = trustme.CA()
    issued = authority.issue_cert(name)
    file, key = folder / f"{name}.pem", folder / f"{name}.key"
    file.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    return Certificate(file, key, trust)


def encrypt(key: Path, password: str) -> None:
    """Put a password on a key."""
    loaded = load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(loaded.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password.encode())))
