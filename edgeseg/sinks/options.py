"""The `?name=value&…` behind an output's URI."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from edgeseg.errors import UsageError

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def read_options(uri: str, defaults: Mapping[str, str]) -> dict[str, str]:
    """`defaults`, and what `uri` says instead; raises UsageError that lists them for a name that is none of them."""
    kind = uri.partition("?")[0].partition(":")[0]
    given = dict(parse_qsl(uri.partition("?")[2], keep_blank_values=True))
    unknown = sorted(set(given) - set(defaults))
    if unknown:
        raise UsageError(f"{without_password(uri)}: {kind} knows no '{unknown[0]}'; it knows {', '.join(defaults)}")
    return {**defaults, **given}


def read_path(uri: str) -> str:
    """What stands between the kind and the options: 'a/b' of 'record:a/b?max=2GB'."""
    return uri.partition("?")[0].partition(":")[2]


def read_bytes(uri: str, text: str) -> int:
    """2000000000 of '2GB'; raises UsageError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?", text.strip(), re.IGNORECASE)
    if not found:
        raise UsageError(f"{uri}: '{text}' is no size; write it like max=500MB or max=2GB")
    return round(float(found[1]) * UNITS[found[2].upper()])


def without_password(uri: str) -> str:
    """What messages may show of a URI: 'mqtt://user:…@host/topic'."""
    return re.sub(r"(?<=://)([^/?@:]*):.*@", r"\1:…@", uri)
