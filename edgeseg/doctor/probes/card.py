"""Whether the card or disk that the system runs from is dying."""

from __future__ import annotations

from edgeseg.doctor.probe import Finding, fine, note, wrong
from edgeseg.doctor.system import System

WORN = 10
"""JEDEC's life_time: tenths of the life that were used, from 1; 11 is beyond."""
PRE_EOL = {2: "80 % of its spare blocks are used", 3: "nearly all of its spare blocks are used"}
REPLACE = "write a new card before this one fails:  edgeseg flash --help"


def look(system: System) -> Finding:
    """Read-only, errors that ext4 counted, and the wear that an eMMC tells; an SD card tells none."""
    device, options = _root(system)
    if "ro" in options:
        return wrong("the root is read-only, as after an error", "sudo mount -o remount,rw /")
    for counter in system.glob("/sys/fs/ext4/*/errors_count"):
        if errors := system.number(counter):
            disk = f"/dev/{counter.split('/')[-2]}"
            text = f"ext4 counted {errors} {'error' if errors == 1 else 'errors'} on {disk}"
            return wrong(text, f"sudo tune2fs -E force_fsck {disk} && sudo reboot")
    return _wear(system) or (fine(f"no errors on {device}") if device else note("not known: nothing is mounted"))


def _root(system: System) -> tuple[str, list[str]]:
    """The device of /, and its options; the last mount counts."""
    mounts = [line.split() for line in (system.text("/proc/mounts") or "").splitlines()]
    roots = [fields for fields in mounts if len(fields) > 3 and fields[1] == "/"]
    return (roots[-1][0], roots[-1][3].split(",")) if roots else ("", [])


def _wear(system: System) -> Finding | None:
    for device in system.glob("/sys/block/mmcblk*/device"):
        name = device.split("/")[-2]
        spare = PRE_EOL.get(system.number(f"{device}/pre_eol_info") or 0)
        if spare:
            return wrong(f"{name}: {spare}", REPLACE)
        used = max(_tenths(system.text(f"{device}/life_time") or ""), default=0)
        if used >= WORN:
            return wrong(f"{name}: its life is used up, by its own account", REPLACE)
        if used:
            return fine(f"no errors; {name} has used up to {10 * used} % of its life")
    return None


def _tenths(life_time: str) -> list[int]:
    """Of its two kinds of memory: '0x02 0x01'."""
    return [int(part, 16) for part in life_time.split() if part.startswith("0x") and part[2:].isalnum()]
