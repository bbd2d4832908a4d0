"""Whether an Edge TPU on an M.2 or PCIe card has its driver."""

from __future__ import annotations

from edgeseg.doctor.edgetpu import cards
from edgeseg.doctor.probe import Finding, fine, note, wrong
from edgeseg.doctor.system import System

NODE = "/dev/apex_0"
INSTALL = (
    "sudo apt install -y linux-headers-$(uname -r) ./gasket-dkms_*.deb &&\n"
    "sudo modprobe apex  # GitHub: feranick/gasket-driver, under Releases"
)
"""No distribution has it, and the stock package does not build for kernels since 6.4; this one does."""


def look(system: System) -> Finding:
    """The kernel has no driver of its own for it."""
    found = cards(system)
    if not system.path(NODE).exists():
        if not found:
            return note("none is built in")
        return wrong(f"one at {found[0]}, but no driver made {NODE}", INSTALL)
    allowed = system.ask(["test", "-w", NODE])
    if allowed is not None and allowed.code:
        return wrong(f"{NODE}, but this user may not use it", "sudo usermod -aG apex $USER")
    return fine(f"ready, as {NODE}")
