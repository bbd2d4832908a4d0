"""Finding Edge TPUs, whatever they are plugged into."""

from __future__ import annotations

from dataclasses import dataclass

from edgeseg.doctor.system import System

FRESH = ("1a6e", "089a")
"""USB id until a program has loaded the firmware."""
LOADED = ("18d1", "9302")
"""USB id from then on, till it is unplugged."""
PCIE = ("0x1ac1", "0x089a")


@dataclass(frozen=True)
class Accelerator:
    """A Coral at a USB port."""

    loaded: bool
    """It has its firmware."""
    speed: int
    """Of its port, in Mbit/s; 0 where that is not known."""
    node: str
    """In /dev."""


def accelerators(system: System) -> list[Accelerator]:
    """Those at USB ports."""
    found = []
    for device in system.glob("/sys/bus/usb/devices/*"):
        usb_id = (system.text(f"{device}/idVendor"), system.text(f"{device}/idProduct"))
        if usb_id not in (FRESH, LOADED):
            continue
        bus, number = system.text(f"{device}/busnum") or "0", system.text(f"{device}/devnum") or "0"
        node = f"/dev/bus/usb/{bus.zfill(3)}/{number.zfill(3)}"
        found.append(Accelerator(usb_id == LOADED, _speed(system, device), node))
    return found


def cards(system: System) -> list[str]:
    """PCI addresses of those on M.2 and PCIe cards."""
    devices = system.glob("/sys/bus/pci/devices/*")
    ids = [(each, (system.text(f"{each}/vendor"), system.text(f"{each}/device"))) for each in devices]
    return [each.rpartition("/")[2] for each, found in ids if found == PCIE]


def fastest_port(system: System) -> int:
    """Mbit/s of the machine's best USB socket."""
    return max((_speed(system, hub) for hub in system.glob("/sys/bus/usb/devices/usb*")), default=0)


def _speed(system: System, device: str) -> int:
    return system.number(f"{device}/speed") or 0
