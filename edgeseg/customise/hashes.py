"""Secrets in the form in which a board keeps them."""

from __future__ import annotations

import hashlib
import re
import secrets

from edgeseg.errors import UsageError

CRYPT_ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ROUNDS = 5000
"""Of SHA-512 crypt where the hash names none."""
WPA_ROUNDS = 4096
_DIGEST = 64
"""Bytes of a SHA-512."""


def wifi_key(passphrase: str, ssid: str) -> str:
    """The 64 hex digits that WPA makes of a passphrase (IEEE 802.11i, H.4); such digits pass as they are.

    Raises UsageError for what no access point takes.
    """
    if re.fullmatch(r"[0-9a-fA-F]{64}", passphrase):
        return passphrase.lower()
    if not re.fullmatch(r"[\x20-\x7e]{8,63}", passphrase):
        raise UsageError("a Wi-Fi password has 8 to 63 letters, digits and signs (ASCII); check it")
    return hashlib.pbkdf2_hmac("sha1", passphrase.encode(), ssid.encode(), WPA_ROUNDS, 32).hex()


def password_hash(password: str, salt: str = "") -> str:
    """`$6$…` as Linux keeps it in /etc/shadow; SHA-512 crypt after Ulrich Drepper's description of 2007.

    The standard library's `crypt` is gone since Python 3.13. `salt` is made up where none is given.
    """
    salt = salt[:16] or "".join(secrets.choice(CRYPT_ALPHABET) for _ in range(16))
    key, salted = password.encode(), salt.encode()
    other = hashlib.sha512(key + salted + key).digest()
    first = key + salted + _stretched(other, len(key))
    length = len(key)
    while length:
        first += other if length & 1 else key
        length >>= 1
    digest = hashlib.sha512(first).digest()
    keys = _stretched(hashlib.sha512(key * len(key)).digest(), len(key))
    salts = _stretched(hashlib.sha512(salted * (16 + digest[0])).digest(), len(salted))
    for turn in range(ROUNDS):
        data = keys if turn & 1 else digest
        data += (salts if turn % 3 else b"") + (keys if turn % 7 else b"")
        digest = hashlib.sha512(data + (digest if turn & 1 else keys)).digest()
    return f"$6${salt}${_encoded(digest)}"


def _stretched(data: bytes, length: int) -> bytes:
    return (data * (length // _DIGEST + 1))[:length]


def _encoded(digest: bytes) -> str:
    """Three bytes to four letters, in an order of the description's own."""
    text = ""
    at = (0, 21, 42)
    for _ in range(21):
        text += _letters(int.from_bytes(bytes(digest[index] for index in at)), 4)
        at = (at[1] + 1, at[2] + 1, at[0] + 1)
    return text + _letters(digest[63], 2)


def _letters(value: int, count: int) -> str:
    return "".join(CRYPT_ALPHABET[value >> 6 * place & 63] for place in range(count))
