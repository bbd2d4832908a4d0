"""What each probe is there to find: how a system departs from the healthy one, and what is then told."""

from typing import Any

from tests.doctor.systems import (
    BUNDLE,
    CAMERAS,
    CARD,
    CHILD,
    DPKG,
    ENV,
    PCI,
    RIBBON,
    SELFTEST,
    SERVICE,
    THROTTLED,
    UNIT,
    USB,
    WEBCAM,
    answer,
)

LIBRARY = "/usr/lib/aarch64-linux-gnu/libedgetpu.so.1"
STATUS = "/var/lib/dpkg/status"
NODE = "test -w /dev/bus/usb/002/003"
RULE = "/etc/udev/rules.d/60-edgetpu.rules"
PAGE = f"{CHILD} page 9090"
NO_V4L2 = [{"name": "V4L2", "missing": "this cv2 was built without it"}]
NO_PICAMERA = [{"name": "picamera2", "missing": "is not installed; on a Raspberry Pi, run  …"}]
HIDDEN_PICAMERA = [{"name": "picamera2", "missing": "the system has it, but this venv does not see it: …"}]
FOLDER = {BUNDLE: None, "/opt/edgeseg/current/bundle/manifest.json": "{}"}
"""A bundle that was extracted."""
FOLDER_TEST = SELFTEST.replace(BUNDLE, "/opt/edgeseg/current/bundle")
PLAIN_UNIT = {UNIT: "[Service]\nExecStart=edgeseg live bundle\n", ENV: None}
"""The address of its page stands in the bundle, or nowhere."""
NAMED_UNIT = {UNIT: "[Service]\nExecStart=edgeseg live bundle --out http://0.0.0.0:9090\n", ENV: None}
DEPLOYED_ENV = "/opt/edgeseg/current/env"
DEPLOYED = {
    DEPLOYED_ENV: 'EDGESEG_LIVE="--out http://0.0.0.0:9090"\n',
    ENV: "EDGESEG_LIVE='--out http://0.0.0.0:7070'\n",
}
"""What came with the release wins."""
SHOW = f"python -m edgeseg bundle show ROOT{BUNDLE} --json"
LIBGL = (
    "pip uninstall -y \\\n  opencv-contrib-python \\\n  opencv-contrib-python-headless \\\n"
    "  opencv-python \\\n  opencv-python-headless &&\n"
)
"""Which of them is there is not known where cv2 does not load."""
Case = tuple[str, dict[str, Any], dict[str, Any], str, str]
"""Probe, files, answers, what its text says, what its cure says."""


def python(version: str, bits: int, libc: str = "glibc") -> dict[str, Any]:
    told = {"version": version, "machine": "aarch64", "bits": bits, "libc": libc}
    return {f"{CHILD} python": answer(out=told)}


def cameras(found: list[dict[str, Any]], backends: list[dict[str, str]]) -> dict[str, Any]:
    return {CAMERAS: answer(out={"cameras": found, "backends": backends})}


def refused(name: str, problem: str) -> dict[str, Any]:
    return cameras([WEBCAM | {"name": name, "problem": problem}], [])


def service(**state: str) -> dict[str, Any]:
    return {SERVICE: answer(out="".join(f"{name}={value}\n" for name, value in state.items()))}


def page(server: str, health: int | None, stats: int | None) -> dict[str, Any]:
    return {PAGE: answer(out={"server": server, "/healthz": health, "/stats.json": stats})}


def failing(question: str, err: str, code: int = 1) -> dict[str, Any]:
    return {f"{CHILD} {question}": answer(code, err=f"Traceback (most recent call last):\n{err}\n")}


WRONG: list[Case] = [
    ("python", {}, python("3.13.5", 32), "no runtime has wheels", "edgeseg flash"),
    ("python", {}, python("3.12.1", 64, ""), "without glibc", "Debian"),
    ("python", {}, failing("python", "ImportError: no encodings"), "no encodings", "install Python"),
    (
        "runtime",
        {},
        failing("model", "", -6),
        "crashes (SIGABRT)",
        "pip install --force-reinstall ai-edge-litert numpy",
    ),
    ("runtime", {}, failing("model", "", -4), "crashes (SIGILL)", "another board"),
    (
        "runtime",
        {},
        failing("model", "edgeseg.errors.ModelError: tflite-runtime cannot work with NumPy 2.4.6; install it with  …"),
        "tflite-runtime cannot work with NumPy 2.4.6",
        "pip install 'edgeseg[legacy]'",
    ),
    (
        "runtime",
        {},
        failing("model", "edgeseg.errors.ModelError: no TFLite runtime is installed; install one with  …"),
        "does not run: no TFLite runtime is installed",
        "pip install ai-edge-litert",
    ),
    ("runtime", {}, {f"{CHILD} model": answer(out={"right": False})}, "its mask is wrong", "--force-reinstall"),
    (
        "cv2",
        {},
        failing("cv2", "ImportError: libGL.so.1: cannot open shared object file"),
        "libGL.so.1",
        LIBGL,
    ),
    ("cv2", {}, failing("cv2", "ImportError: numpy.core.multiarray failed to import"), "multiarray", "numpy opencv"),
    (
        "cv2",
        {},
        {f"{CHILD} cv2": answer(out={"version": "5.0.0", "packages": ["opencv-contrib-python", "opencv-python"]})},
        "overwrite each other",
        "pip uninstall -y \\\n  opencv-contrib-python \\\n  opencv-python &&\npip install",
    ),
    (
        "cameras",
        {},
        refused("C920", "Permission denied: sudo usermod -aG video $USER, and log in again"),
        "/dev/video8: Permission denied",
        "sudo usermod -aG video $USER",
    ),
    ("cameras", {}, refused("C920", "Device or resource busy"), "busy", "sudo fuser -v /dev/video8"),
    ("cameras", {}, cameras([RIBBON], NO_PICAMERA), "no picamera2", "sudo apt install -y python3-picamera2"),
    ("cameras", {}, cameras([RIBBON], HIDDEN_PICAMERA), "no picamera2", "--system-site-packages"),
    ("cameras", {}, cameras([], NO_V4L2), "cannot read USB cameras", "opencv-python-headless"),
    ("libedgetpu", {LIBRARY: None}, {}, "no libedgetpu", "./libedgetpu1-std_*.deb"),
    ("libedgetpu", {STATUS: DPKG.format("install ok installed", "16.0")}, {}, "16.0 crashes", "libedgetpu1-std"),
    (
        "libedgetpu",
        {},
        failing("edgetpu", "OSError: libusb-1.0.so.0: cannot open shared object file"),
        "libusb-1.0.so.0: cannot open",
        "sudo apt install -y libusb-1.0-0",
    ),
    ("usb tpu", {}, {NODE: answer(1)}, "no udev rule", "sudo tee /etc/udev/rules.d/"),
    (
        "usb tpu",
        {RULE: 'ATTR{idVendor}=="1a6e|18d1"'},
        {NODE: answer(1), "id -Gn": answer(out="pi video\n")},
        "not in group plugdev",
        "sudo usermod -aG plugdev $USER",
    ),
    (
        "usb tpu",
        {RULE: 'ATTR{idVendor}=="1a6e|18d1"'},
        {NODE: answer(1), "id -Gn": answer(out="pi plugdev\n")},
        "rule is not in force",
        "sudo udevadm trigger",
    ),
    ("usb tpu", {f"{USB}/2-1/speed": "480\n"}, {}, "USB 2's 480 Mbit/s", "blue (USB 3) socket"),
    ("pcie tpu", {"/dev/apex_0": None}, {}, "0000:01:00.0, but no driver", "./gasket-dkms_*.deb"),
    ("pcie tpu", {"/dev/apex_0": None}, {}, "but no driver", "GitHub: feranick/gasket-driver"),
    ("pcie tpu", {}, {"test -w /dev/apex_0": answer(1)}, "may not use it", "sudo usermod -aG apex $USER"),
    ("power", {THROTTLED: "50005\n"}, {}, "undervoltage now", "supply"),
    ("power", {THROTTLED: "50000\n"}, {}, "there was undervoltage", "supply"),
    (
        "power",
        {THROTTLED: None},
        {"vcgencmd get_throttled": answer(out="throttled=0x10001\n")},
        "undervoltage now",
        "supply",
    ),
    ("heat", {"/sys/class/thermal/thermal_zone0/temp": "84200\n"}, {}, "84 °C: the loop holds", "heat sink"),
    ("heat", {THROTTLED: "4\n"}, {}, "52 °C, and the firmware slows", "heat sink"),
    (
        "space",
        {},
        {"df -kP /": answer(out="Filesystem …\n/dev/root 3000000 2700000 100000 97% /\n")},
        "102 MB free",
        "sudo apt clean",
    ),
    ("card", {"/proc/mounts": "/dev/mmcblk0p2 / ext4 ro,noatime 0 0\n"}, {}, "read-only", "sudo mount -o remount,rw /"),
    (
        "card",
        {"/sys/fs/ext4/mmcblk0p2/errors_count": "3\n"},
        {},
        "3 errors on /dev/mmcblk0p2",
        "sudo tune2fs -E force_fsck /dev/mmcblk0p2",
    ),
    ("card", {f"{CARD}/life_time": "0x0b 0x01\n"}, {}, "its life is used up", "write a new card"),
    ("card", {f"{CARD}/pre_eol_info": "0x02\n"}, {}, "80 % of its spare", "write a new card"),
    ("clock", {}, {"date +%s": answer(out="1200\n")}, "1970-01-01", "sudo timedatectl set-ntp true"),
    ("service", {}, service(ActiveState="failed", Result="exit-code"), "failed (exit-code)", "sudo journalctl"),
    ("service", {}, service(ActiveState="inactive"), "is inactive", "sudo systemctl enable --now edgeseg"),
    (
        "service",
        {},
        service(ActiveState="activating", SubState="auto-restart", NRestarts="7"),
        "started again, 7 times",
        "sudo journalctl",
    ),
    ("service", {}, service(ActiveState="active", UnitFileState="disabled"), "next start", "systemctl enable edgeseg"),
    ("page", {}, page("", None, None), "nothing answers at port 9090", "sudo journalctl"),
    ("page", {}, page("nginx", 404, 404), "another program answers at port 9090", "sudo ss -ltnp"),
    ("page", {}, page("edgeseg", 503, 401), "its loop stands still", "sudo systemctl restart edgeseg"),
    (
        "bundle",
        {},
        {SELFTEST: answer(3, out={"differing": ["colour", "model"]})},
        "differs in colour, model",
        "edgeseg bundle verify",
    ),
    (
        "bundle",
        FOLDER,
        {FOLDER_TEST: answer(1, err="edgeseg: it is damaged; get it again")},
        "bundle: it is damaged",
        "edgeseg bundle verify",
    ),
]

NOTES: list[Case] = [
    ("python", {}, python("3.11.2", 32), "tflite-runtime alone", "edgeseg flash"),
    ("cameras", {}, cameras([], []), "none here", ""),
    ("cameras", {}, {CAMERAS: answer(1, err="no cv2")}, "cv2 does not load", ""),
    ("usb tpu", {f"{USB}/2-1/idVendor": "1d6b\n"}, {}, "none is plugged in", ""),
    (
        "usb tpu",
        {f"{USB}/2-1/speed": "480\n", f"{USB}/usb2/speed": "480\n"},
        {},
        "480 Mbit/s, which is all that this machine has",
        "",
    ),
    ("pcie tpu", {f"{PCI}/device": "0x1234\n", "/dev/apex_0": None}, {}, "none is built in", ""),
    (
        "libedgetpu",
        {LIBRARY: None, f"{USB}/2-1/idVendor": "1d6b\n", f"{PCI}/device": "0x1\n"},
        {},
        "not needed",
        "",
    ),
    ("power", {"/proc/device-tree/model": "Some Board"}, {}, "does not tell", ""),
    ("heat", {THROTTLED: "40000\n"}, {}, "was slowed down", ""),
    ("heat", {"/sys/class/thermal/thermal_zone0/temp": "no\n"}, {}, "does not tell", ""),
    ("clock", {"/run/systemd/timesync/synchronized": None}, {}, "not synchronized", "timedatectl"),
    ("service", {UNIT: None}, {}, "is not installed", ""),
    ("service", {"/run/systemd/system/.keep": None}, {}, "systemd does not run", ""),
    (
        "page",
        {UNIT: None, ENV: None},
        {f"{CHILD} page 8080": page("", None, None)[PAGE]},
        "nothing answers at port 8080",
        "",
    ),
    ("bundle", {BUNDLE: None}, {}, "none is installed", ""),
    ("bundle", {}, {SELFTEST: answer(2, err="Error: No such command 'selftest'.")}, "has no selftest", ""),
]

FINE: list[Case] = [
    ("usb tpu", {f"{USB}/2-1/idVendor": "1a6e\n", f"{USB}/2-1/idProduct": "089a\n"}, {}, "gets its firmware", ""),
    ("card", {f"{CARD}/life_time": "0x02 0x01\n"}, {}, "used up to 20 % of its life", ""),
    ("page", {}, page("edgeseg", 200, 200), "for this machine alone", ""),
    ("page", NAMED_UNIT, {}, "answers at port 9090", ""),
    ("page", DEPLOYED, {}, "answers at port 9090", ""),
    ("page", {DEPLOYED_ENV: "EDGESEG_TOKEN=seven\n"}, {}, "answers at port 9090", ""),
    ("page", PLAIN_UNIT, {SHOW: answer(out={"live": ["--out", "http://0.0.0.0:9090"]})}, "answers at port 9090", ""),
    ("page", PLAIN_UNIT, {f"{CHILD} page 8080": page("edgeseg", 200, 401)[PAGE]}, "answers at port 8080", ""),
    (
        "clock",
        {"/run/systemd/timesync/synchronized": None},
        {"timedatectl show --property=NTPSynchronized --value": answer(out="yes\n")},
        "synchronized",
        "",
    ),
    ("libedgetpu", {STATUS: None}, {}, "dpkg does not know", ""),
]

CASES = [(state, *case) for state, cases in (("wrong", WRONG), ("note", NOTES), ("fine", FINE)) for case in cases]
