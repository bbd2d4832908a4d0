"""The options of a board and of a release, and the page that they or the bundle's name."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from edgeseg.board.layout import BUNDLE, ENV, Layout
from edgeseg.bundle.archive import Bundle
from edgeseg.errors import UsageError
from edgeseg.sinks.web.address import Address

LIVE = "EDGESEG_LIVE"
SECRETS = ("EDGESEG_TOKEN", "EDGESEG_MQTT_PASSWORD")
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # read, not bound
HIDDEN = "…"


def environment(layout: Layout, release: str, tried: bool = False) -> dict[str, str]:
    """What the board's file sets and then the release's, read as systemd does.

    `tried`: as in a switch to it, which may bring new options.
    """
    return _read(layout.env) | _read(layout.tried(release) if tried else layout.own(release))


def page(layout: Layout, release: str, tried: bool = False) -> Address | None:
    """The page of a release, with an address that this machine reaches; None where its options name none.

    Raises UsageError where its options cannot be read.
    """
    try:
        own = shlex.split(environment(layout, release, tried).get(LIVE, ""))
    except ValueError as error:
        files = f"{layout.env} or {layout.own(release)}"
        raise UsageError(f"{files}: {LIVE} cannot be read ({error}); mend its quotes") from error
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
    for path in (layout.env, *layout.releases.glob(f"*/{ENV}*")):
        found = _read(path)
        for secret in filter(None, map(found.get, SECRETS)):
            text = text.replace(secret, HIDDEN)
    text = re.sub(r"(token=)[^\s&]+", rf"\1{HIDDEN}", text)
    return re.sub(r"(://)[^/@\s]+@", rf"\1{HIDDEN}@", text)


def _read(path: Path) -> dict[str, str]:
    """Empty where there is no such file."""
    found = {}
    with suppress(OSError):
        for line in path.read_text(errors="replace").splitlines():
            key, equals, value = (part.strip() for part in line.partition("="))
            if equals and key and key[0] not in "#;":
                with suppress(ValueError):  # a quote that does not end
                    found[key] = "".join(shlex.split(value)) if value[:1] in ("'", '"') else value
    return found


def _outputs(words: Sequence[str]) -> list[str]:
    found = [word.removeprefix("--out=") for word in words if word.startswith("--out=")]
    return found + [after for word, after in pairwise(words) if word == "--out"]
