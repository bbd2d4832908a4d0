"""What a board is, as JSON: `ssh board python3 - < facts.py`. Python 3.7 and its library are all it needs."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

CORAL_USB = {("1a6e", "089a"), ("18d1", "9302")}
"""Vendor and product, before and after it got its firmware."""
CORAL_PCIE = {("0x1ac1", "0x089a")}
NO_CAMERA = re.compile(r"bcm2835-|pispbe|rpi-|rp1-")
"""Video devices of a Raspberry Pi's processor: codecs, and the raw ends of what libcamera drives."""
SENSOR = re.compile(r"(imx|ov|arducam)[\d_-]")
LIMIT_S = 10


def root(path: str) -> Path:
    """A path below EDGESEG_ROOT, which stands in for / in tests."""
    return Path(os.environ.get("EDGESEG_ROOT") or "/") / path.lstrip("/")


def text(path: Path) -> str:
    """What a file says; empty where it cannot be read."""
    try:
        return path.read_text(errors="replace").strip("\0 \n")
    except OSError:
        return ""


def inside(path: str) -> list[Path]:
    """What is in a folder, in order."""
    try:
        return sorted(root(path).iterdir())
    except OSError:
        return []


def system() -> dict[str, str]:
    """Name, code name and version of the system."""
    found = dict(re.findall(r'^([A-Z_]+)="?([^"\n]*)"?$', text(root("/etc/os-release")), re.M))
    keys = {"id": "ID", "codename": "VERSION_CODENAME", "version": "VERSION_ID"}
    return {name: found.get(key, "") for name, key in keys.items()}


def cameras() -> list[str]:
    """Names of cameras at USB, and of sensors at a ribbon cable."""
    at_usb = [text(each / "name") for each in inside("/sys/class/video4linux") if text(each / "index") in ("", "0")]
    at_cable = [text(each / "name") for each in inside("/sys/bus/i2c/devices")]
    return [name for name in at_usb if not NO_CAMERA.match(name)] + [name for name in at_cable if SENSOR.match(name)]


def edgetpu() -> str:
    """How a Coral is connected: usb, pcie or none."""
    for kind, ids, names in (("usb", CORAL_USB, ("idVendor", "idProduct")), ("pcie", CORAL_PCIE, ("vendor", "device"))):
        for device in inside(f"/sys/bus/{'usb' if kind == 'usb' else 'pci'}/devices"):
            if tuple(text(device / name) for name in names) in ids:
                return kind
    return "none"


def becomes_root() -> bool:
    """Whether commands can be run as root without a password."""
    if os.geteuid() == 0:
        return True
    try:
        done = subprocess.run(
            ["sudo", "-n", "true"],  # noqa: S607  # the board's own
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=LIMIT_S,
        )
        return done.returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def free_bytes() -> int:
    """Room for /opt, or for the folder that it will be in."""
    opt = root("/opt")
    return shutil.disk_usage(str(opt if opt.is_dir() else root("/"))).free


def memory_mb() -> int | None:
    """As the kernel has it, which is less than the board is sold with."""
    found = re.search(r"MemTotal:\s+(\d+)", text(root("/proc/meminfo")))
    return int(found.group(1)) // 1024 if found else None


def edgeseg() -> dict[str, Any]:
    """What is installed: ids, and the names of keys."""
    try:
        current = Path(os.readlink(str(root("/opt/edgeseg/current")))).name  # noqa: PTH115  # Path's is from 3.9 on
    except OSError:
        current = None
    found: dict[str, Any] = {"current": current}
    for folder in ("releases", "packages"):
        names = [each.name for each in inside(f"/opt/edgeseg/{folder}")]
        found[folder] = [name for name in names if re.match(r"[0-9a-f]{16}$", name)]
    found["keys"] = [each.name for each in inside("/opt/edgeseg/keys") if each.name.endswith(".pub.pem")]
    return found


def facts() -> dict[str, Any]:
    """All of it."""
    return {
        "model": text(root("/proc/device-tree/model")),
        "machine": platform.machine(),
        "bits": 64 if sys.maxsize > 2**32 else 32,
        "os": system(),
        "python": list(sys.version_info[:3]),
        "libc": " ".join(platform.libc_ver()),
        "free_bytes": free_bytes(),
        "memory_mb": memory_mb(),
        "cameras": cameras(),
        "edgetpu": edgetpu(),
        "systemd": root("/run/systemd/system").is_dir(),
        "root": becomes_root(),
        "edgeseg": edgeseg(),
    }


if __name__ == "__main__":
    print(json.dumps(facts()))  # noqa: T201  # this is its answer
