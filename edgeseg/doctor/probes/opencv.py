"""Whether OpenCV loads."""

from __future__ import annotations

from edgeseg.doctor.probe import UNASKED, Finding, fine, wrong
from edgeseg.doctor.system import System

HEADLESS = "pip install --force-reinstall numpy opencv-python-headless"
ONLY_HEADLESS = "pip uninstall -y opencv-python &&\npip install --force-reinstall opencv-python-headless"


def look(system: System) -> Finding:
    """opencv-python needs libGL, which a system without a screen lacks."""
    answer = system.python("-m", "edgeseg.doctor.child", "cv2")
    if answer is None:
        return UNASKED
    if answer.code:
        return wrong(f"does not load: {answer.reason}", ONLY_HEADLESS if "libGL" in answer.reason else HEADLESS)
    told = answer.json()
    packages = told.get("packages") or []
    if len(packages) > 1:
        return wrong(f"{' and '.join(packages)} overwrite each other", ONLY_HEADLESS)
    return fine(f"OpenCV {told.get('version')}")
