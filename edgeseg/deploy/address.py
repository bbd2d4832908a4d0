"""Where a board is: user@host:port."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgeseg.errors import UsageError

PATTERN = re.compile(r"(?:ssh://)?(?:([^@\s]+)@)?(?:\[([0-9a-fA-F:.%\w]+)\]|([^\s@:/\[\]]+))(?::(\d{1,5}))?/?")


@dataclass(frozen=True)
class Address:
    """What `ssh` is told; None leaves it to the user's ~/.ssh/config."""

    host: str
    user: str | None = None
    port: int | None = None
    identity: str | None = None
    """The file of a private key."""
    name: str | None = None
    """As an inventory calls the board."""

    @classmethod
    def parse(cls, text: str) -> Address:
        """Of `pi@raspberrypi.local`, `pi@10.0.0.7:2222`, `pi@[fe80::1]:22`; raises UsageError."""
        found = PATTERN.fullmatch(text)
        if not found or text.startswith("-") or (found[3] or "").startswith("-"):
            raise UsageError(f"'{text}' is no board; write  user@host  or  user@host:port")
        port = int(found[4]) if found[4] else None
        if port is not None and not 0 < port < 65536:
            raise UsageError(f"'{text}': port {port} is none; ports go from 1 to 65535")
        return cls(found[2] or found[3], found[1], port)

    @property
    def title(self) -> str:
        """Short, for a line that shows it."""
        user = f"{self.user}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.name or user + host + (f":{self.port}" if self.port else "")

    @property
    def command(self) -> str:
        """The `ssh` command that a person types to get there."""
        port = f"-p {self.port} " if self.port else ""
        return f"ssh {port}{self.user}@{self.host}" if self.user else f"ssh {port}{self.host}"
