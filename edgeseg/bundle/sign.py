"""Ed25519 keys and signatures; `cryptography` is loaded when one is used."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from edgeseg.errors import MissingExtraError, ModelError, OutputError, UsageError
from edgeseg.files import write_bytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

Key = TypeVar("Key")
ALGORITHM = "Ed25519"
ID_LENGTH = 16
"""Hex digits of a key's sha256 that name it."""


def make_keys(prefix: Path) -> tuple[Path, Path, str]:
    """Write PREFIX.pem, for its owner's eyes alone, and PREFIX.pub.pem; gives both and the key's id.

    Raises OutputError where either is there already: a key that is lost cannot be made again.
    """
    form, ed25519, _ = _library()
    secret, public = Path(f"{prefix}.pem"), Path(f"{prefix}.pub.pem")
    for path in (secret, public):
        if path.exists():
            raise OutputError(f"{path}: is there already, and a key is never overwritten; choose another name")
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    try:
        handle = os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OutputError(f"{secret}: cannot be written ({error.strerror}); choose another place") from error
    write_bytes(public, key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo))
    return secret, public, _key_id(key.public_key())


def sign(data: bytes, secret: Path) -> bytes:
    """The signature member for `data`: JSON with algorithm, key id and signature.

    Raises UsageError where `secret` holds no private Ed25519 key in PEM.
    """
    key = _private(secret)
    text = base64.b64encode(key.sign(data)).decode()
    found = {"algorithm": ALGORITHM, "key": _key_id(key.public_key()), "signature": text}
    return (json.dumps(found, indent=1, sort_keys=True) + "\n").encode()


def check(data: bytes, signature: bytes, public: Path) -> str:
    """Gives the key's id where `signature` is that of `data` by the key in the PEM file `public`; else ModelError."""
    key = _public(public)
    from cryptography.exceptions import InvalidSignature

    try:
        found = base64.b64decode(json.loads(signature)["signature"], validate=True)
        key.verify(found, data)
    except InvalidSignature as error:
        other = key_id(signature)
        why = "it was changed" if other == _key_id(key) else f"key {other} signed it, not {_key_id(key)}"
        raise ModelError(f"the signature does not hold: {why}; get the bundle again from who made it") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelError(f"the signature is damaged ({error}); sign the bundle again") from error
    return _key_id(key)


def key_id(signature: bytes) -> str:
    """The id that a signature member gives, which proves nothing; '?' where it gives none."""
    try:
        found = json.loads(signature)["key"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "?"
    return found if isinstance(found, str) and found.isalnum() and len(found) == ID_LENGTH else "?"


def _key_id(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:ID_LENGTH]


def _private(path: Path) -> Ed25519PrivateKey:
    form, ed25519, unsupported = _library()
    key: Ed25519PrivateKey = _key(
        path,
        unsupported,
        lambda data: form.load_pem_private_key(data, None),
        ed25519.Ed25519PrivateKey,
        "is no private key without a password",
        "make one with  edgeseg bundle key",
    )
    return key


def _public(path: Path) -> Ed25519PublicKey:
    form, ed25519, unsupported = _library()
    cure = "give the .pub.pem that  edgeseg bundle key  made"
    key: Ed25519PublicKey = _key(
        path, unsupported, form.load_pem_public_key, ed25519.Ed25519PublicKey, "is no public key", cure
    )
    return key


def _key(
    path: Path, unsupported: type[Exception], load: Callable[[bytes], Any], kind: type[Key], wrong: str, cure: str
) -> Key:
    try:
        key = load(_read(path))
    except (ValueError, TypeError, unsupported) as error:
        raise UsageError(f"{path}: {wrong}; {cure}") from error
    if not isinstance(key, kind):
        raise UsageError(f"{path}: is no {ALGORITHM} key; {cure}")
    return key


def _library() -> tuple[Any, Any, type[Exception]]:
    """`serialization` and `ed25519` of cryptography, and what it raises for a key of another kind."""
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        raise MissingExtraError("cryptography", "sign") from error
    return serialization, ed25519, UnsupportedAlgorithm


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); give a key in PEM") from error
