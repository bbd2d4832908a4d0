"""Which cameras there are, and whether there is a way to their pictures."""

from __future__ import annotations

from typing import Any

from edgeseg.doctor.probe import UNASKED, Finding, fine, note, wrong
from edgeseg.doctor.system import System
from edgeseg.printable import printable

RIBBON = ("unicam", "rp1-cfe")
"""Where a Raspberry Pi's camera connector ends; its pictures come through picamera2 alone."""


def look(system: System) -> Finding:
    """Ask `edgeseg live --list`."""
    answer = system.python("-m", "edgeseg", "live", "--list", "--json")
    if answer is None:
        return UNASKED
    told = answer.json()
    if answer.code or "cameras" not in told:
        return note("not known, since cv2 does not load")
    found = told["cameras"]
    missing = {each["name"]: each["missing"] for each in told.get("backends", []) if each.get("missing")}
    for each in found:
        if each.get("problem"):
            return _refused(each)
    ribbon = [each for each in found if str(each.get("name", "")).startswith(RIBBON)]
    if ribbon and "picamera2" in missing:
        fix = "sudo apt install -y python3-picamera2"
        if "does not see" in missing["picamera2"]:
            fix = "make the venv again:  python3 -m venv --system-site-packages VENV"
        return wrong("a ribbon camera, but no picamera2, which alone reads it", fix)
    if "V4L2" in missing:
        return wrong("this cv2 cannot read USB cameras", "pip install --force-reinstall opencv-python-headless")
    if not found:
        return note("none here; a stream, a video or  --source belt:  serves too")
    return fine(", ".join(f"{each['device']} {printable(str(each['name']))}" for each in found))


def _refused(camera: dict[str, Any]) -> Finding:
    text, _, fix = str(camera["problem"]).partition(": ")
    fix = fix.partition(",")[0] or f"sudo fuser -v {camera['device']}"
    return wrong(f"{camera['device']}: {printable(text)}", fix)
