"""Libraries for another machine, brought together by uv."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from edgeseg.errors import MissingExtraError
from edgeseg.packages.errors import PackagesError
from edgeseg.packages.index import environment
from edgeseg.packages.target import OLDEST_PYTHON, Target

EXTRA = "deploy"
NETWORK = (
    "failed to fetch",
    "network was disabled",
    "error sending request",
    "dns error",
    "timed out",
    "connect error",
)
MAX_REASON = 160
"""Characters of what uv says."""


def resolve(target: Target, requirements: tuple[str, ...], folder: Path) -> None:
    """Fill `folder` as a site-packages folder of `target`, from wheels alone: nothing is built or run.

    Raises PackagesError where one is not to be had, MissingExtraError where uv is not installed.
    """
    # pip would check each library's Requires-Python against the Python that runs here
    command = [_uv(), "pip", "install", "--target", str(folder), "--python", sys.executable]
    command += ["--python-platform", target.platform, "--python-version", target.python_text]
    command += ["--only-binary", ":all:", *requirements, *target.constraints]
    quiet = environment() | {"NO_COLOR": "1", "UV_NO_PROGRESS": "1"}
    # in its own folder, so that no project's settings for uv count
    done = subprocess.run(command, capture_output=True, text=True, env=quiet, cwd=folder, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise PackagesError(_reason(target, done.stderr))


def _uv() -> str:
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        pass  # uv may be installed apart from this Python
    found = shutil.which("uv")
    if found is None:
        raise MissingExtraError("uv", EXTRA)
    return found


def _reason(target: Target, said: str) -> str:
    """One line; without addresses, which may hold a password."""
    text = re.sub(r"[a-z+]+://\S+", "the index", " ".join(said.split()))
    low = text.lower()
    if "invalid peer certificate" in low:
        return (
            "the package index shows a certificate that is not trusted; give its file with  pip config set global.cert"
        )
    if re.search(r"\b40[13]\b|credentials", low):
        return "the package index refuses without a password; set its address with  pip config set global.index-url"
    if "no space left" in low:
        return f"the disk is full; free some space for the packages of {target}"
    if any(word in low for word in NETWORK):
        return (
            f"the packages for {target} are not here yet; connect to the network once, afterwards they are in the cache"
        )
    missing = re.search(r"Because (?:only )?`?([\w.-]+)[^ ]* .*?(?:not found in|no versions? of)", text)
    if "no wheels" not in low and missing and "package registry" in low:
        return f"the package index does not hold {missing[1]}; set another with  pip config set global.index-url"
    wheels = re.search(r"(?:found wheels for|[Ww]heels are available for) `([\w.-]+)`", text)
    if wheels:
        return f"there is no wheel of {wheels[1]} for {target}; use {_fitting(text, target)}"
    without = re.search(r"([\w.-]+)(?:\{[^}]*\})?\S* ha(?:s|ve) no (?:usable )?wheels", text)
    if without:
        return f"there is no wheel of {without[1]} for {target}; use {_fitting(text, target)}"
    causes = re.findall(r"cause: (.+?)(?= cause: | hint: |$)", text)
    said_short = (causes[-1] if causes else text)[:MAX_REASON] or "uv gave no reason"
    return f"the packages for {target} cannot be brought together ({said_short}); mend that"


def _fitting(text: str, target: Target) -> str:
    tags = {(int(major), int(minor)) for major, minor in re.findall(r"`cp(3)(\d+)`", text)} - {target.python}
    good = [f"3.{minor}" for _, minor in sorted(tags) if (3, minor) >= OLDEST_PYTHON]
    return f"a system with Python {', '.join(good)}" if good else "another system"
