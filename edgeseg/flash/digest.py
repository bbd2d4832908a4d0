"""Telling whether bytes that were read are those that were written: a card errs, but does not forge."""

from __future__ import annotations

from edgeseg.errors import MissingExtraError

try:
    # 64 bits at the speed of memory, where CRC-32 would hold a fast disk back, and SHA-256 any.
    from xxhash import xxh3_64_intdigest as digest
except ImportError as error:
    raise MissingExtraError("xxhash", "flash") from error

__all__ = ["digest"]
