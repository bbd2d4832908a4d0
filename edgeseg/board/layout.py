"""Where things lie on a board; README and first_boot.py name the same places."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from edgeseg.errors import UsageError

ROOT_VARIABLE = "EDGESEG_ROOT"
SERVICE = "edgeseg.service"
BUNDLE, PACKAGES, RECORD, BEFORE = "bundle.edgeseg", "packages", "release.json", "before"
"""In a release: what runs, the link to what runs it, what it is, and the link to the release that ran before it."""
ENV, NEW_ENV = "env", "env.new"
"""In a release: options and secrets that were deployed with it, and those with which a switch tries it."""
KEY_SUFFIX = ".pub.pem"


@dataclass(frozen=True)
class Layout:
    """Nothing is written outside of these."""

    root: Path
    """Stands in for /."""

    @classmethod
    def here(cls) -> Layout:
        """Of this machine, or below the folder in EDGESEG_ROOT; raises UsageError for who may not write it."""
        layout = cls(Path(os.environ.get(ROOT_VARIABLE) or "/").absolute())
        if layout.root == Path("/") and os.geteuid() != 0:
            raise UsageError("this changes the system: run it as root, with  sudo")
        return layout

    @property
    def home(self) -> Path:
        """All that edgeseg keeps."""
        return self.root / "opt/edgeseg"

    @property
    def packages(self) -> Path:
        """A folder for each set of Python packages, by its id."""
        return self.home / "packages"

    @property
    def releases(self) -> Path:
        """A folder each."""
        return self.home / "releases"

    @property
    def current(self) -> Path:
        """The link to the release that runs after a start."""
        return self.home / "current"

    @property
    def uploads(self) -> Path:
        """What is not whole yet."""
        return self.home / "uploads"

    @property
    def keys(self) -> Path:
        """Public keys in PEM; see `edgeseg.board.install`."""
        return self.home / "keys"

    @property
    def env(self) -> Path:
        """The board's own options and secrets, for systemd; only root may read it. A release's own win over them."""
        return self.root / "etc/edgeseg/env"

    @property
    def unit(self) -> Path:
        """The service."""
        return self.root / "etc/systemd/system" / SERVICE

    @property
    def command(self) -> Path:
        """`edgeseg`, for who logs in."""
        return self.root / "usr/local/bin/edgeseg"

    @property
    def trial(self) -> Path:
        """What points the service at another release, and is gone once power was."""
        return self.root / "run/systemd/system" / f"{SERVICE}.d" / "trial.conf"

    @property
    def results(self) -> Path:
        """What became of switches, until the next start."""
        return self.root / "run/edgeseg"

    @property
    def cache(self) -> Path:
        """Where the service unpacks models, a folder for each bundle."""
        return self.root / "var/cache/edgeseg/edgeseg/bundles"

    @property
    def lock(self) -> Path:
        """Held by who changes the board; nobody else may open it."""
        return self.results / "lock"

    def own(self, release: str) -> Path:
        """A release's own options and secrets; only root may read them."""
        return self.releases / release / ENV

    def tried(self, release: str) -> Path:
        """Those with which a switch tries it: its new ones where deploy brought some."""
        new = self.releases / release / NEW_ENV
        return new if new.exists() else self.own(release)

    def result(self, release: str) -> Path:
        """What became of the switch to it."""
        return self.results / f"switch-{release}.json"
