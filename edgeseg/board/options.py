"""The board's own options, and the page that they or the bundle's name."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise

from edgeseg.board.layout import BUNDLE, Layout
from edgeseg.bundle.archive import Bundle
from edgeseg.errors import UsageError
from edgeseg.sinks.web.address import Address

TOKEN, LIVE = "EDGESEG_TOKEN", "EDGESEG_LIVE"
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # read, not bound
HIDDEN = "…"


def environment(layout: Layout) -> dict[str, str]:
    """What the board's file sets, read as systemd does; empty where there is none."""
    found = {}
    with suppress(OSError):
        for line in layout.env.read_text(errors="replace").splitlines():
            key, equals, value = line.strip().partition("=")
            if equals and key[0] not in "#;":
                with suppress(ValueError):  # a quote that does not end
                    found[key.strip()] = "".join(shlex.split(value)) if value[:1] in ("'", '"') else value
    return found


def page(layout: Layout, release: str) -> Address | None:
    """The page of a release, with an address that this machine reaches; None where its options name none.

    Raises UsageError where the board's options cannot be read.
    """
    try:
        own = shlex.split(environment(layout).get(LIVE, ""))
    except ValueError as error:
        raise UsageError(f"{layout.env}: {LIVE} cannot be read ({error}); mend its quotes") from error
    outputs = _outputs(own) or _outputs(Bundle.open(layout.releases / release / BUNDLE).manifest.live)
    for uri in outputs:
        if uri.startswith("http://"):
            with suppress(UsageError):  # the loop says so itself
                found = Address.parse(uri)
                if found.port:
                    return Address(uri, EVERYWHERE.get(found.host, found.host), found.port, found.fps)
    return None


def without_secrets(layout: Layout, text: str) -> str:
    """A line of the log, to be shown and kept elsewhere."""
    token = environment(layout).get(TOKEN)
    text = text.replace(token, HIDDEN) if token else text
    text = re.sub(r"(token=)[^\s&]+", rf"\1{HIDDEN}", text)
    return re.sub(r"(://)[^/@\s]+@", rf"\1{HIDDEN}@", text)


def _outputs(words: Sequence[str]) -> list[str]:
    found = [word.removeprefix("--out=") for word in words if word.startswith("--out=")]
    return found + [after for word, after in pairwise(words) if word == "--out"]
