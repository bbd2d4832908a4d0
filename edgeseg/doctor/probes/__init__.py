"""The probes, in the order in which they are told."""

from __future__ import annotations

from edgeseg.doctor.probe import Probe
from edgeseg.doctor.probes import (
    bundle,
    cameras,
    card,
    clock,
    edgetpu_pcie,
    edgetpu_usb,
    heat,
    libedgetpu,
    opencv,
    page,
    power,
    python,
    runtime,
    service,
    space,
)

PROBES = (
    Probe("python", python.look, everywhere=True),
    Probe("runtime", runtime.look, everywhere=True),
    Probe("cv2", opencv.look, everywhere=True),
    Probe("cameras", cameras.look),
    Probe("libedgetpu", libedgetpu.look),
    Probe("usb tpu", edgetpu_usb.look),
    Probe("pcie tpu", edgetpu_pcie.look),
    Probe("power", power.look),
    Probe("heat", heat.look),
    Probe("space", space.look, everywhere=True),
    Probe("card", card.look),
    Probe("clock", clock.look, everywhere=True),
    Probe("service", service.look),
    Probe("page", page.look, everywhere=True),
    Probe("bundle", bundle.look),
)
