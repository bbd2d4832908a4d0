"""The `?name=value&…` behind the URI of a source, an output or a stub, and what messages may show of one."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from edgeseg.errors import UsageError

MODEL_FILES = ("run.json", "saved_model.pb")
"""One of them is in each folder that is a model."""
UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def read_options(uri: str, defaults: Mapping[str, str], query: str | None = None) -> dict[str, str]:
    """`defaults`, and what `uri` says instead, or `query` where that does not begin at a question mark.

    Raises UsageError that lists the names there are for one that is none of them.
    """
    query = uri.partition("?")[2] if query is None else query
    given: dict[str, str] = {}
    if query:
        from urllib.parse import parse_qsl  # here, since most URIs have no options, and a loop starts the sooner

        given.update(parse_qsl(query, keep_blank_values=True))
    unknown = sorted(set(given) - set(defaults))
    if unknown:
        raise UsageError(f"{masked(uri)}: there is no option '{unknown[0]}'; it knows {', '.join(defaults)}")
    return {**defaults, **given}


def read_path(uri: str) -> str:
    """What stands between the kind and the options: 'a/b' of 'record:a/b?max=2GB'."""
    return uri.partition("?")[0].partition(":")[2]


def read_size(text: str) -> tuple[int, int]:
    """(height, width) of '480x640'; raises ValueError."""
    height, width = (int(part) for part in text.split("x"))
    if min(height, width) < 1:
        raise ValueError(f"a size of {text} holds no pixels")
    return height, width


def read_bytes(uri: str, text: str) -> int:
    """2000000000 of '2GB'; raises UsageError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?", text.strip(), re.IGNORECASE)
    if not found:
        raise UsageError(f"{uri}: '{text}' is no size; write it like max=500MB or max=2GB")
    return round(float(found[1]) * UNITS[found[2].upper()])


def can_be_name(text: str) -> bool:
    """Whether `text` is of letters, digits, - and _ alone, and no file or model here: it can be a model's name.

    A folder of labelled images is no model, though it may be called 'street' too.
    """
    if not text.replace("-", "").replace("_", "").isalnum():
        return False
    models = (os.path.join(text, file) for file in MODEL_FILES)  # noqa: PTH118  pathlib is not loaded for it
    return not os.path.lexists(text) or (os.path.isdir(text) and not any(map(os.path.exists, models)))  # noqa: PTH112


def masked(uri: str) -> str:
    """What messages may show of a URI: 'mqtt://***@host/topic?***'.

    In an address, user and password are secret, and a query may hold a token; the options of
    what is no address ('record:ring?max=2GB') are shown.
    """
    return re.sub(r"(//[^?]*)\?.*", r"\1?***", re.sub(r"//.*@", "//***@", uri))
