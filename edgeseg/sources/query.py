"""The `?name=value&…` behind a source's URI."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from edgeseg.errors import SourceError


def read_query(uri: str, query: str, defaults: Mapping[str, str]) -> dict[str, str]:
    """`defaults`, and what `query` says instead; raises SourceError that lists them for a name that is none of them."""
    given = dict(parse_qsl(query, keep_blank_values=True))
    unknown = sorted(set(given) - set(defaults))
    if unknown:
        raise SourceError(f"{uri}: there is no option '{unknown[0]}'; it knows {', '.join(defaults)}")
    return {**defaults, **given}


def read_size(text: str) -> tuple[int, int]:
    """(height, width) of '480x640'; raises ValueError."""
    height, width = (int(part) for part in text.split("x"))
    if min(height, width) < 1:
        raise ValueError(f"a size of {text} holds no pixels")
    return height, width
