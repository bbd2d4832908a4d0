"""What Linux's cameras say they can do, by the ioctls of `linux/videodev2.h`."""

from __future__ import annotations

import errno
import os
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from edgeseg.printable import printable

DEV = Path("/dev")
SYS = Path("/sys/class/video4linux")

QUERYCAP = (0x80685600, 104)
"""VIDIOC_QUERYCAP: its number, and the bytes of its struct; so are the others."""
ENUM_FMT = (0xC0405602, 64)
ENUM_FRAMESIZES = (0xC02C564A, 44)
ENUM_FRAMEINTERVALS = (0xC034564B, 52)

CAPTURE = 0x1 | 0x1000
"""V4L2_CAP_VIDEO_CAPTURE, and _MPLANE."""
DEVICE_CAPS = 0x80000000
"""The node has capabilities of its own, apart from those of its whole device."""
BUFFER_KINDS = (1, 9)
"""V4L2_BUF_TYPE_VIDEO_CAPTURE, and _MPLANE."""
DISCRETE = 1
NO_CAMERAS = ("bcm2835-codec", "bcm2835-isp", "pispbe", "rpi-hevc-dec", "rpivid")
"""How the drivers of a Raspberry Pi's codecs and image processors begin, which take pictures to give pictures."""
MOST = 256
"""Entries of a list that are asked for; a driver that never ends its list is left there."""


@dataclass(frozen=True)
class Mode:
    """A size with its rates."""

    size: tuple[int, int]
    """(height, width)."""
    rates: tuple[float, ...]
    """Frames a second; the two ends where it takes any between."""


@dataclass(frozen=True)
class Format:
    """How a camera sends its pictures."""

    code: str
    """Four letters, such as MJPG or YUYV."""
    modes: tuple[Mode, ...]
    any_between: bool = False
    """The modes are the smallest and the largest size, and the camera takes others between."""


@dataclass(frozen=True)
class Camera:
    """A node in /dev that gives pictures."""

    device: str
    name: str
    formats: tuple[Format, ...]
    problem: str = ""
    """Why its formats are not known."""


Ioctl = Callable[[int, int, bytearray], int]


def cameras(dev: Path = DEV, sys: Path = SYS, ioctl: Ioctl | None = None) -> list[Camera]:
    """The cameras of this machine; a node that gives no pictures, but what belongs to them, is none."""
    try:
        from fcntl import ioctl as kernel
    except ImportError:  # Windows has no such cameras
        return []
    nodes = [path for path in dev.glob("video*") if re.fullmatch(r"video\d+", path.name)]
    found = (_camera(path, sys, ioctl or kernel) for path in sorted(nodes, key=lambda path: int(path.name[5:])))
    return [camera for camera in found if camera is not None]


def _camera(path: Path, sys: Path, ioctl: Ioctl) -> Camera | None:
    try:
        node = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    except OSError as error:
        label = sys / path.name / "name"
        name = printable(label.read_text(errors="replace").strip()) if label.is_file() else "unknown"
        if name.startswith(NO_CAMERAS):
            return None
        hint = ": sudo usermod -aG video $USER, and log in again" if error.errno == errno.EACCES else ""
        return Camera(str(path), name, (), f"{error.strerror}{hint}")
    try:
        return _described(str(path), _Driver(node, ioctl))
    except OSError:  # no video node, whatever its name
        return None
    finally:
        os.close(node)


def _described(device: str, driver: _Driver) -> Camera | None:
    maker, card, whole, own = struct.unpack_from("<16s32s36xII", driver.call(QUERYCAP))
    if not (own if whole & DEVICE_CAPS else whole) & CAPTURE or _text(maker).startswith(NO_CAMERAS):
        return None
    codes = [code for kind in BUFFER_KINDS for code in driver.formats(kind)]
    return Camera(device, _text(card), tuple(_format(driver, code) for code in codes))


def _format(driver: _Driver, code: int) -> Format:
    sizes, any_between = driver.sizes(code)
    letters = _text(struct.pack("<I", code & 0x7FFFFFFF))  # the highest bit tells big-endian pixels
    return Format(letters, tuple(Mode(size, driver.rates(code, size)) for size in sizes), any_between)


class _Driver:
    """An open node."""

    def __init__(self, node: int, ioctl: Ioctl) -> None:
        self._node, self._ioctl = node, ioctl

    def call(self, request: tuple[int, int], *fields: int) -> bytes:
        """The struct that comes back for one that begins with `fields`; raises OSError."""
        number, length = request
        filled = bytearray(struct.pack(f"<{len(fields)}I", *fields).ljust(length, b"\0"))
        self._ioctl(self._node, number, filled)
        return bytes(filled)

    def formats(self, kind: int) -> list[int]:
        return [struct.unpack_from("<44xI", entry)[0] for entry in self._entries(ENUM_FMT, kind)]

    def sizes(self, code: int) -> tuple[list[tuple[int, int]], bool]:
        """(height, width) of each, and whether those are the ends of a range."""
        sizes = []
        for entry in self._entries(ENUM_FRAMESIZES, code):
            kind, width, height = struct.unpack_from("<8x3I", entry)
            if kind != DISCRETE:
                least_w, most_w, _, least_h, most_h, _ = struct.unpack_from("<12x6I", entry)
                return [(least_h, least_w), (most_h, most_w)], True
            sizes.append((height, width))
        return sizes, False

    def rates(self, code: int, size: tuple[int, int]) -> tuple[float, ...]:
        """Frames a second, the highest first."""
        rates = []
        for entry in self._entries(ENUM_FRAMEINTERVALS, code, size[1], size[0]):
            kind, *fractions = struct.unpack_from("<16x5I", entry)
            pairs = [fractions[:2]] if kind == DISCRETE else [fractions[:2], fractions[2:]]
            rates += [round(below / above, 2) for above, below in pairs if above]
            if kind != DISCRETE:
                break
        return tuple(sorted(rates, reverse=True))

    def _entries(self, request: tuple[int, int], *fields: int) -> Iterator[bytes]:
        """Each entry of a list, until the driver says that there are no more."""
        for index in range(MOST):
            try:
                yield self.call(request, index, *fields)
            except OSError:
                return


def _text(raw: bytes) -> str:
    return printable(raw.partition(b"\0")[0].decode("utf-8", "replace").strip())
