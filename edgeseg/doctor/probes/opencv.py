"""Whether OpenCV loads."""

from __future__ import annotations

from collections.abc import Iterable

from edgeseg.doctor.child import OPENCVS
from edgeseg.doctor.probe import UNASKED, Finding, fine, wrong
from edgeseg.doctor.system import System

HEADLESS = "pip install --force-reinstall numpy opencv-python-headless"


def look(system: System) -> Finding:
    """opencv-python needs libGL, which a system without a screen lacks."""
    answer = system.python("-m", "edgeseg.doctor.child", "cv2")
    if answer is None:
        return UNASKED
    if answer.code:
        return wrong(
            f"does not load: {answer.reason}", only_headless(OPENCVS) if "libGL" in answer.reason else HEADLESS
        )
    told = answer.json()
    packages = told.get("packages") or []
    if len(packages) > 1:
        return wrong(f"{' and '.join(packages)} overwrite each other", only_headless(packages))
    return fine(f"OpenCV {told.get('version')}")


def only_headless(packages: Iterable[str]) -> str:
    """Takes all of them away, since each may have overwritten what the others brought; pip skips what is not there."""
    names = " \\\n  ".join(sorted(packages))
    return f"pip uninstall -y \\\n  {names} &&\npip install --force-reinstall opencv-python-headless"
