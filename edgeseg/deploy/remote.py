"""What is done on a board, each as one command there."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeseg.deploy.connection import Connection, Progress
from edgeseg.deploy.errors import BoardError
from edgeseg.deploy.facts import Facts
from edgeseg.errors import GateError
from edgeseg.files import sha256_of
from edgeseg.printable import printable

HERE = Path(__file__).parent
ONBOARD = HERE / "onboard.py"
BOARD = HERE.parent / "board"
AS_ROOT = 'test "$(id -u)" = 0 || set -- sudo -n "$@"; exec "$@"'
NOT_FOUND, RETURNED = 127, 3
"""Exit codes: a shell's, and that of edgeseg.board after a switch that was taken back."""


@dataclass(frozen=True)
class Parcel:
    """A file for the board."""

    path: Path
    name: str
    """There, in uploads/: by its content."""
    size: int
    sha256: str

    @classmethod
    def of(cls, path: Path, suffix: str) -> Parcel:
        """Reads all of it."""
        sha256 = sha256_of(path)
        return cls(path, sha256[:16] + suffix, path.stat().st_size, sha256)


class Remote:
    """A board that is connected."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._program = ONBOARD.read_bytes()

    async def facts(self) -> Facts:
        """What the board is; raises BoardError where it has no Python."""
        answer = await self._connection.run("python3 -I -", (BOARD / "facts.py").read_bytes())
        if answer.code == NOT_FOUND:
            raise BoardError("has no python3: install it there with  sudo apt install python3")
        if answer.code:
            raise BoardError(f"does not say what it is ({answer.problem}); its Python may be too old for edgeseg")
        return Facts.from_json(answer.out)

    async def put(self, parcel: Parcel, there: int, progress: Progress) -> None:
        """Send a file, of which `there` bytes are on the board already."""
        await self.call(
            *("take", parcel.name, str(there), str(parcel.size), parcel.sha256),
            file=parcel.path,
            skip=there,
            progress=progress,
        )

    async def unpack(self, parcel: Parcel, packages: str) -> None:
        """What was put becomes packages/<id>, whole or not at all."""
        await self.call("unpack", parcel.name, packages, data=(BOARD / "first_boot.py").read_bytes())

    async def board(self, packages: str, *arguments: str) -> dict[str, Any]:
        """Run a verb of `edgeseg.board` out of packages/<id>, or those of the 'current' release."""
        return await self.call("board", packages, *arguments)

    async def call(
        self, *words: str, data: bytes = b"", file: Path | None = None, skip: int = 0, progress: Progress | None = None
    ) -> dict[str, Any]:
        """Run a verb of onboard.py as root; raises BoardError with what it says, GateError after a return."""
        boot = f"import sys; exec(compile(sys.stdin.buffer.read({len(self._program)}), 'onboard', 'exec'))"
        command = ["sh", "-c", AS_ROOT, "sh", "python3", "-I", "-c", boot, *words]
        inputs: list[bytes | Path] = [self._program, data, *([file] if file else [])]
        answer = await self._connection.run(shlex.join(command), *inputs, skip=skip, progress=progress)
        found = _json(answer.out)
        if answer.code == RETURNED:
            raise GateError(printable(str((found or {}).get("reason") or answer.problem)))
        if answer.code:
            raise BoardError(answer.problem or f"'{words[0]}' failed there with exit code {answer.code}")
        if found is None:
            raise BoardError(f"'{words[0]}' gave no answer there; does its shell print something of its own?")
        return found


Report = Callable[[str, int, int], None]
"""Gets a stage, and how much of how much is done; (0, 0) where nobody knows."""


def _json(out: bytes) -> dict[str, Any] | None:
    """Its last line; None where that is no object."""
    try:
        found = json.loads(out.splitlines()[-1]) if out.strip() else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
