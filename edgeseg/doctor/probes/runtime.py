"""Whether NumPy and the TFLite runtime work together: only running a model tells."""

from __future__ import annotations

from edgeseg.doctor.probe import UNASKED, Finding, fine, wrong
from edgeseg.doctor.system import Answer, System
from edgeseg.printable import printable

CURES = (
    ("no TFLite runtime", "pip install ai-edge-litert"),
    ("cannot work with NumPy", "pip install 'edgeseg[legacy]'"),
    ("SIGILL", "take another board: this processor lacks instructions that the wheel uses"),
)
"""By what the failure says."""
REINSTALL = "pip install --force-reinstall ai-edge-litert numpy opencv-python-headless"
"""All that may clash at once, so that pip chooses versions which fit."""


def look(system: System) -> Finding:
    """Run the tiny model in a process of its own: an import of the wrong NumPy may abort it."""
    answer = system.python("-m", "edgeseg.doctor.child", "model")
    if answer is None:
        return UNASKED
    if answer.code:
        text = answer.reason.partition(";")[0]  # what follows is the cure, which stands below
        return wrong(f"a tiny model does not run: {text}", _cure(answer))
    told = answer.json()
    if not told.get("right"):
        return wrong("a tiny model runs, but its mask is wrong", REINSTALL)
    notes = [f"; {printable(str(each))}" for each in told.get("notes") or []]
    return fine(f"{told.get('runtime')} ran a model, with NumPy {told.get('numpy')}{''.join(notes)}")


def _cure(answer: Answer) -> str:
    return next((cure for said, cure in CURES if said in answer.reason), REINSTALL)
