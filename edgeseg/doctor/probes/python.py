"""Which Python this is, and whether a runtime has wheels for it."""

from __future__ import annotations

from edgeseg.doctor.probe import UNASKED, Finding, fine, note, wrong
from edgeseg.doctor.system import System

LAST_32_BIT = (3, 11)
"""tflite-runtime, the only one on 32-bit boards, has no wheel for a later one."""
REPLACE = "write a card with a 64-bit system:  edgeseg flash --help"


def look(system: System) -> Finding:
    """A 64-bit processor may run a 32-bit system, so it is the interpreter that counts."""
    answer = system.python("-m", "edgeseg.doctor.child", "python")
    if answer is None:
        return UNASKED
    told = answer.json()
    version = str(told.get("version", ""))
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if answer.code or len(numbers) < 2:
        return wrong(f"Python does not start: {answer.reason}", "install Python 3.11 or later")
    text = f"{version}, {told.get('bits')}-bit, on {told.get('machine')}"
    if told.get("bits") == 32 and numbers > LAST_32_BIT:
        return wrong(f"{text}: no runtime has wheels for it", REPLACE)
    if told.get("bits") == 32:
        return note(f"{text}: tflite-runtime alone runs here, slowly", REPLACE)
    if system.linux and told.get("libc") != "glibc":
        return wrong(f"{text}, without glibc: LiteRT has no wheels for it", "take a system such as Debian")
    return fine(text)
