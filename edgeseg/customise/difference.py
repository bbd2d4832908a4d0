"""What would change, for a person to read; secrets are '…'."""

from __future__ import annotations

import re
from difflib import unified_diff

from edgeseg.customise.changes import Changes
from edgeseg.flash.units import size_text

HIDDEN = "…"
_BINARY = (".tar.gz", ".edgeseg", ".py")
_SECRET = re.compile(
    r"""(?im)^([+\- ].*?(?:passw(?:or)?d|psk|token|secret|private[_-]?key)\w*["']?\s*[:=]\s*)(\S.*)$"""
)
"""A line of a user's own file whose name says that what follows is nobody's business."""
_ADDRESSED = re.compile(r"""(?<=://)[^\s"']*@""")
"""User and password in the address of a camera or a broker."""
_HARMLESS = re.compile(r"(?i)^([\"']?(true|false|yes|no)[\"']?)?$")


def difference(changes: Changes) -> str:
    """A unified difference of the text files, and the list of the others with their sizes."""
    added: list[str] = []
    texts: list[str] = []
    for name, data in changes.files.items():
        if name.endswith(_BINARY):
            added.append(f"+ {name}  {size_text(len(data))}" if len(data) > 50_000 else f"+ {name}  {len(data)} bytes")
            continue
        old = changes.before.get(name, b"").decode(errors="replace").splitlines()
        new = data.decode(errors="replace").splitlines()
        place = f"a/{name}" if name in changes.before else "/dev/null"
        texts += unified_diff(old, new, place, f"b/{name}", lineterm="")
    return masked("\n".join([*added, *texts]), changes.secrets)


def masked(text: str, secrets: tuple[str, ...]) -> str:
    """`text` without the secrets that are known, and without those that the names of settings give away."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    text = _ADDRESSED.sub(f"{HIDDEN}@", _without_blocks(text))
    return _SECRET.sub(lambda found: found[0] if _HARMLESS.match(found[2]) else found[1] + HIDDEN, text)


def _without_blocks(text: str) -> str:
    """Lines of private keys, wherever they stand."""
    block = r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    return re.sub(block, HIDDEN, text, flags=re.DOTALL)
