"""The machine that is looked at: its files below a root folder, and what its commands answer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeseg.errors import SourceError
from edgeseg.printable import printable

PYTHON = "python"
"""Stands for the interpreter that edgeseg runs in, whatever its name."""
ANSWERS = "answers.json"
"""In a recorded system: {"command line": {"code": 0, "out": "…", "err": "…"}}."""
LIMIT_S = 120
TIMED_OUT = 124
"""Exit code of a command that was given up, as timeout(1) has it."""


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    """Its exit code; below 0: the signal that ended it."""
    out: str = ""
    err: str = ""

    @property
    def reason(self) -> str:
        """Why it failed, in one line: the last of its errors, without an exception's class or edgeseg's name."""
        if self.code < 0:
            with suppress(ValueError):
                return f"it crashes ({signal.Signals(-self.code).name})"
        lines = [line for line in self.err.splitlines() if line.strip()]
        last = lines[-1].strip() if lines else f"it ends with code {self.code}"
        name, colon, rest = last.partition(": ")
        prefixed = name == "edgeseg" or name.endswith(("Error", "Exception"))
        return printable(rest if colon and prefixed else last)

    def json(self) -> dict[str, Any]:
        """The object that it printed as its last line; empty where it printed none."""
        with suppress(ValueError, IndexError):
            found = json.loads(self.out.strip().splitlines()[-1])
            return found if isinstance(found, dict) else {}
        return {}


Ask = Callable[[Sequence[str]], Answer | None]
"""Runs a command; None where there is no such program, or nothing can be run."""


@dataclass(frozen=True)
class System:
    """What probes look at."""

    root: Path
    """Stands in for /."""
    ask: Ask
    linux: bool = True

    def path(self, name: str) -> Path:
        """'/sys/block' below the root."""
        return self.root / name.lstrip("/")

    def text(self, name: str) -> str | None:
        """What a file says, without the blanks and zeros around it; None where it cannot be read."""
        try:
            return self.path(name).read_text(errors="replace").strip("\0 \n")
        except OSError:
            return None

    def number(self, name: str) -> int | None:
        """The number in a file, decimal or 0x…; None where there is none."""
        with suppress(ValueError):
            return int(self.text(name) or "", 0)
        return None

    def glob(self, pattern: str) -> list[str]:
        """Names below the root that match, as /…, in order."""
        return sorted(f"/{path.relative_to(self.root)}" for path in self.root.glob(pattern.lstrip("/")))

    def python(self, *arguments: str) -> Answer | None:
        """Ask this Python, in a process of its own, which may crash."""
        return self.ask([PYTHON, *arguments])

    def raspberry_pi(self) -> bool:
        """By the name that the firmware gives."""
        return "Raspberry Pi" in (self.text("/proc/device-tree/model") or "")


def this_machine() -> System:
    """The one that edgeseg runs on."""
    return System(Path("/"), run_here, sys.platform == "linux")


def recorded(root: Path) -> System:
    """One that only stands in a folder: a mounted card, or a recording, which has `answers.json` as well.

    Raises SourceError for what is no folder, and for answers that cannot be read.
    """
    if not root.is_dir():
        raise SourceError(f"{root}: is no folder; give the one that stands in for /")
    answers: Mapping[str, Answer] = {}
    path = root / ANSWERS
    if path.exists():
        try:
            answers = {line: Answer(**answer) for line, answer in json.loads(path.read_text()).items()}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise SourceError(f"{path}: cannot be read ({error}); record it again") from error
    return System(root, lambda command: answers.get(" ".join(command)))


def run_here(command: Sequence[str]) -> Answer | None:
    """Run it on this machine, for `LIMIT_S` at most, with messages in English."""
    program = [sys.executable, "-P"] if command[0] == PYTHON else [command[0]]
    try:
        done = subprocess.run(
            [*program, *command[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LIMIT_S,
            env=os.environ | {"LC_ALL": "C.UTF-8"},
        )
    except subprocess.TimeoutExpired:
        return Answer(TIMED_OUT, err=f"no answer within {LIMIT_S} s")
    except OSError:
        return None
    return Answer(done.returncode, done.stdout, done.stderr)
