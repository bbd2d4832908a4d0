"""What can go wrong before a board has its packages."""

from __future__ import annotations

from edgeseg.errors import EdgesegError


class PackagesError(EdgesegError, RuntimeError):
    """Packages that cannot be had for a board."""
