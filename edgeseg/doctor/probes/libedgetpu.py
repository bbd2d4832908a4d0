"""Whether the Edge TPU's library is there, is one that works with today's runtimes, and loads."""

from __future__ import annotations

import re

from edgeseg.doctor.edgetpu import accelerators, cards
from edgeseg.doctor.probe import Finding, fine, note, wrong
from edgeseg.doctor.system import System

FOLDERS = ("/lib/*", "/usr/lib", "/usr/lib/*", "/usr/local/lib")
INSTALL = "sudo apt install -y ./libedgetpu1-std_*.deb  # GitHub: feranick/libedgetpu"
"""The stock library crashes with every runtime since 2.12; this build of it does not."""
MEANT_FOR = re.compile(r"tf\d", re.IGNORECASE)
"""In a version of that build stands the TensorFlow it was made for: 16.0TF2.17.1-1."""


def look(system: System) -> Finding:
    """Without an Edge TPU, a library is neither needed nor in the way."""
    plugged = bool(accelerators(system) or cards(system))
    files = [path for folder in FOLDERS for path in system.glob(f"{folder}/libedgetpu.so.1")]
    if not files:
        return wrong("an Edge TPU, but no libedgetpu", INSTALL) if plugged else note("not installed, and not needed")
    version = _version(system.text("/var/lib/dpkg/status") or "")
    if version and not MEANT_FOR.search(version):
        text = f"version {version} crashes with today's runtimes"
        return wrong(text, INSTALL) if plugged else note(f"{text}; no Edge TPU is plugged in")
    answer = system.python("-m", "edgeseg.doctor.child", "edgetpu")
    if answer is not None and answer.code:
        usb = "libusb" in answer.reason
        fix = "sudo apt install -y libusb-1.0-0" if usb else INSTALL
        return wrong(f"does not load: {answer.reason}", fix)
    return fine(f"version {version}" if version else f"{files[0]}, of a version that dpkg does not know")


def _version(status: str) -> str:
    """Of the installed package, by dpkg's records; empty where it came another way."""
    for package in status.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in package.splitlines() if ": " in line and line[0] != " ")
        if fields.get("Package", "").startswith("libedgetpu1-") and " installed" in fields.get("Status", ""):
            return fields.get("Version", "")
    return ""
