"""What packages are made for."""

from __future__ import annotations

from dataclasses import dataclass

from edgeseg.errors import UsageError

MACHINES = ("aarch64", "x86_64")
OLDEST_PYTHON = (3, 11)
GLIBC = (2, 28)
"""The C library that the wheels want, at least: older than that of every system that has Python 3.11."""
NUMPY_1 = ("numpy<2", "opencv-python-headless<5")
"""For Python 3.11, which is Debian 12's: what its own picamera2 was built against."""


@dataclass(frozen=True)
class Target:
    """A machine and its Python; raises UsageError for those that nothing can be brought to."""

    machine: str
    """As `uname -m` says it."""
    python: tuple[int, int]
    """Major and minor version."""

    def __post_init__(self) -> None:
        if self.machine not in MACHINES:
            known = " and ".join(MACHINES)
            raise UsageError(f"there is no runtime for '{self.machine}'; use a 64-bit system, {known} are known")
        if self.python < OLDEST_PYTHON:
            raise UsageError(
                f"Python {self.python_text} is too old for edgeseg; use a system with Python 3.11 or newer"
            )

    @property
    def python_text(self) -> str:
        """Such as '3.13'."""
        return ".".join(map(str, self.python))

    @property
    def platform(self) -> str:
        """As uv names it."""
        return f"{self.machine}-manylinux_{GLIBC[0]}_{GLIBC[1]}"

    @property
    def constraints(self) -> tuple[str, ...]:
        """Requirements that stand beside edgeseg's own."""
        return NUMPY_1 if self.python == (3, 11) else ()

    def __str__(self) -> str:
        return f"Python {self.python_text} on {self.machine}"
