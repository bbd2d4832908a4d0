"""Whether a Coral USB Accelerator may be used, and how fast its port is."""

from __future__ import annotations

from edgeseg.boards import EDGETPU_RULE
from edgeseg.doctor.edgetpu import Accelerator, accelerators, fastest_port
from edgeseg.doctor.probe import Finding, fine, note, wrong
from edgeseg.doctor.system import System

USB_3 = 5000
"""Mbit/s; at USB 2's 480 a frame spends most of its time on the cable."""
RULES = ("/etc/udev/rules.d", "/usr/lib/udev/rules.d", "/lib/udev/rules.d")
WRITE_RULE = f"sudo tee /etc/udev/rules.d/60-edgetpu.rules <<< \\\n'{EDGETPU_RULE}'"


def look(system: System) -> Finding:
    """Its id and speed by sysfs, what the user may by its node in /dev."""
    found = accelerators(system)
    if not found:
        return note("none is plugged in")
    coral = found[0]
    allowed = system.ask(["test", "-w", coral.node])
    if allowed is not None and allowed.code:
        return _refused(system)
    if not coral.loaded:
        return fine("plugged in; it gets its firmware when a model first runs on it")
    if 0 < coral.speed < USB_3:
        return _slow(system, coral)
    return fine(f"ready, at {coral.speed} Mbit/s" if coral.speed else "ready")


def _refused(system: System) -> Finding:
    rules = [system.text(path) or "" for folder in RULES for path in system.glob(f"{folder}/*.rules")]
    if not any("1a6e" in rule and "18d1" in rule for rule in rules):
        return wrong("only root may use it: there is no udev rule; plug it in anew after this", WRITE_RULE)
    groups = system.ask(["id", "-Gn"])
    if groups is not None and "plugdev" not in groups.out.split():
        return wrong("plugged in, but this user is not in group plugdev", "sudo usermod -aG plugdev $USER")
    return wrong("plugged in, but its udev rule is not in force", "sudo udevadm trigger --subsystem-match=usb")


def _slow(system: System, coral: Accelerator) -> Finding:
    if fastest_port(system) < USB_3:
        return note(f"ready, at USB 2's {coral.speed} Mbit/s, which is all that this machine has")
    return wrong(
        f"ready, but at USB 2's {coral.speed} Mbit/s: frames wait for the cable",
        "plug it into a blue (USB 3) socket, with the cable that came with it",
    )
