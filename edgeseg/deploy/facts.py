"""What a board is, and whether edgeseg can run on it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from edgeseg.deploy.errors import BoardError
from edgeseg.packages.target import GLIBC, MACHINES, OLDEST_PYTHON
from edgeseg.printable import printable

NEWEST_PYTHON = (3, 14)
"""The last for which edgeseg's dependencies have wheels."""
SPARE_BYTES = 64 << 20
"""Left free beside what is put there: a full disk stops more than edgeseg."""


@dataclass(frozen=True)
class Facts:
    """What edgeseg/board/facts.py found out."""

    model: str
    machine: str
    system: str
    """Such as 'debian 13 (trixie)'."""
    python: tuple[int, int]
    libc: str
    free_bytes: int | None
    """Of the disk that /opt is on."""
    systemd: bool
    root: bool
    """Whether the user is root, or gets there without a password."""
    bits: int = 64
    """Of its Python: a 64-bit kernel may run a 32-bit system."""
    packages: frozenset[str] = frozenset()
    """Ids of those unpacked there."""
    current: str | None = None
    releases: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    """Files of those that it trusts; with one, it takes only bundles that it signed."""
    raw: dict[str, Any] = field(default_factory=dict)
    """All that was said, for --json."""

    @classmethod
    def from_json(cls, data: bytes) -> Facts:
        """Raises BoardError where it is not what facts.py prints."""
        try:
            found = json.loads(data)
            own = found.get("edgeseg") or {}
            system = found.get("os") or {}
            name = " ".join(str(system.get(key) or "") for key in ("id", "version"))
            codename = system.get("codename")
            return cls(
                model=printable(str(found.get("model") or found["machine"])),
                machine=printable(str(found["machine"])),
                system=printable(name.strip() + (f" ({codename})" if codename else "")),
                python=(int(found["python"][0]), int(found["python"][1])),
                libc=printable(str(found.get("libc") or "")),
                free_bytes=None if found.get("free_bytes") is None else int(found["free_bytes"]),
                systemd=bool(found["systemd"]),
                root=bool(found["root"]),
                bits=int(found.get("bits") or 64),
                packages=frozenset(map(str, own.get("packages") or ())),
                current=str(own["current"]) if own.get("current") else None,
                releases=tuple(map(str, own.get("releases") or ())),
                keys=tuple(map(str, own.get("keys") or ())),
                raw=found,
            )
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise BoardError(f"does not say what it is ({error!r}); is this a Linux board?") from error

    @property
    def version(self) -> str:
        """Of Python, such as '3.13'."""
        return ".".join(map(str, self.python))


def require_fit(facts: Facts, user: str) -> None:
    """Raises BoardError that says why edgeseg cannot run there, and what can be done."""
    reason = misfit(facts, user)
    if reason:
        raise BoardError(reason)


def misfit(facts: Facts, user: str) -> str:
    """Why edgeseg cannot run there and what can be done; empty where it can."""
    if facts.machine not in MACHINES or facts.bits < 64:
        return (
            f"{facts.model} runs a 32-bit or unknown system ({facts.machine}), for which LiteRT has no packages: "
            "put a 64-bit one on its card"
        )
    if facts.python < OLDEST_PYTHON:
        if "phanbell" in facts.model.lower() or "coral" in facts.model.lower() or "mendel" in facts.system.lower():
            return (
                f"{facts.model} has Python {facts.version}, and edgeseg needs 3.11: its camera and Edge TPU work with "
                "the program in firmware_examples/coral_dev_board"
            )
        return (
            f"Python {facts.version} of {facts.system} is too old, edgeseg needs 3.11: put a newer system on it, "
            "such as Debian or Raspberry Pi OS from Bookworm on"
        )
    if facts.python > NEWEST_PYTHON:
        return f"Python {facts.version} is newer than the packages that there are: use a system with 3.11 to 3.14"
    libc = _version(facts.libc)
    if "musl" in facts.libc.lower() or (libc and libc < GLIBC):
        return f"its C library ({facts.libc}) cannot load the packages, which need glibc 2.28: use Debian 11 or newer"
    if not facts.systemd:
        return "has no systemd, which starts and watches the service: use Debian or Raspberry Pi OS"
    if not facts.root:
        return (
            f"{user} may not become root without a password: log in as root, or run there  "
            f"echo '{user} ALL=(ALL) NOPASSWD: ALL' | sudo tee /etc/sudoers.d/edgeseg"
        )
    return ""


def require_space(facts: Facts, needed_bytes: int) -> None:
    """Raises BoardError where the disk lacks room for as much, and some to spare."""
    needed = needed_bytes + SPARE_BYTES
    if facts.free_bytes is not None and facts.free_bytes < needed:
        raise BoardError(
            f"{facts.free_bytes / 1e6:.0f} MB are free in /opt and {needed / 1e6:.0f} MB are needed: free some there, "
            "such as with  sudo apt clean  or  sudo journalctl --vacuum-size=50M"
        )


def _version(libc: str) -> tuple[int, ...]:
    digits = [part for part in libc.replace("-", " ").split() if part[:1].isdigit()]
    parts = digits[0].split(".")[:2] if digits else []
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else ()
