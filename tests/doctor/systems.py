"""Recorded systems: what the files of a Raspberry Pi 5 with every accelerator say, and what its commands answer."""

from __future__ import annotations

import json
from typing import Any

USB = "/sys/bus/usb/devices"
PCI = "/sys/bus/pci/devices/0000:01:00.0"
CARD = "/sys/block/mmcblk0/device"
THROTTLED = "/sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled"
UNIT = "/etc/systemd/system/edgeseg.service"
ENV = "/etc/edgeseg/env"
BUNDLE = "/opt/edgeseg/current/street.edgeseg"
CHILD = "python -m edgeseg.doctor.child"
CAMERAS = "python -m edgeseg live --list --json"
SERVICE = "systemctl show edgeseg.service --property=ActiveState,SubState,Result,NRestarts,UnitFileState"
SELFTEST = f"python -m edgeseg selftest ROOT{BUNDLE} --json"
"""ROOT stands for the recorded system's folder."""
DPKG = (
    "Package: libc6\nStatus: install ok installed\nVersion: 2.41-12\n\n"
    "Package: libedgetpu1-std\nStatus: {}\nVersion: {}\nDescription: Edge TPU\n more: of it\n"
)

FILES: dict[str, str] = {
    "/proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
    "/proc/mounts": "/dev/mmcblk0p2 / ext4 rw,noatime 0 0\n/dev/mmcblk0p1 /boot/firmware vfat rw 0 0\n",
    "/usr/lib/aarch64-linux-gnu/libedgetpu.so.1": "",
    "/var/lib/dpkg/status": DPKG.format("install ok installed", "16.0TF2.17.1-1"),
    f"{USB}/usb2/speed": "5000\n",
    f"{USB}/2-1/idVendor": "18d1\n",
    f"{USB}/2-1/idProduct": "9302\n",
    f"{USB}/2-1/speed": "5000\n",
    f"{USB}/2-1/busnum": "2\n",
    f"{USB}/2-1/devnum": "3\n",
    f"{PCI}/vendor": "0x1ac1\n",
    f"{PCI}/device": "0x089a\n",
    "/dev/apex_0": "",
    THROTTLED: "0\n",
    "/sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "/sys/class/thermal/thermal_zone0/temp": "52100\n",
    "/sys/fs/ext4/mmcblk0p2/errors_count": "0\n",
    f"{CARD}/type": "SD\n",
    "/run/systemd/system/.keep": "",
    "/run/systemd/timesync/synchronized": "",
    UNIT: "[Service]\nExecStart=/usr/bin/python3 -m edgeseg live bundle.edgeseg $EDGESEG_LIVE\n",
    ENV: "EDGESEG_TOKEN=seven\nEDGESEG_LIVE='--out http://0.0.0.0:9090'\n",
    BUNDLE: "",
}
RIBBON = {"device": "/dev/video0", "name": "rp1-cfe-csi2_ch0", "formats": [], "problem": ""}
WEBCAM = {"device": "/dev/video8", "name": "HD Webcam C920", "formats": [], "problem": ""}
BACKENDS = [{"name": "V4L2", "missing": ""}, {"name": "picamera2", "missing": ""}]


def answer(code: int = 0, out: Any = "", err: str = "") -> dict[str, Any]:
    return {"code": code, "out": out if isinstance(out, str) else json.dumps(out), "err": err}


REPLIES: dict[str, dict[str, Any]] = {
    f"{CHILD} python": answer(out={"version": "3.13.5", "machine": "aarch64", "bits": 64, "libc": "glibc"}),
    f"{CHILD} model": answer(out={"runtime": "litert", "numpy": "2.4.6", "right": True, "notes": []}),
    f"{CHILD} cv2": answer(out={"version": "5.0.0", "packages": ["opencv-python-headless"]}),
    f"{CHILD} edgetpu": answer(out={}),
    f"{CHILD} page 9090": answer(out={"server": "edgeseg", "/healthz": 200, "/stats.json": 401}),
    CAMERAS: answer(out={"cameras": [RIBBON, WEBCAM], "backends": BACKENDS}),
    "test -w /dev/bus/usb/002/003": answer(),
    "test -w /dev/apex_0": answer(),
    "df -kP /": answer(
        out="Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/root 30358316 3221004 25853240 12% /\n"
    ),
    "date +%s": answer(out="1800000000\n"),
    SERVICE: answer(out="Result=success\nNRestarts=0\nActiveState=active\nSubState=running\nUnitFileState=enabled\n"),
    SELFTEST: answer(out={"fine": True, "differing": []}),
}
