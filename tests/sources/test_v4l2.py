"""What cameras say of themselves: the kernel's structs, as `linux/videodev2.h` lays them out."""

import errno
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeseg.sources import v4l2
from edgeseg.sources.v4l2 import Camera, Format, Mode, cameras

CAPABILITY, META = 0x84A00001, 0x04A00000
"""What a webcam's two nodes have: both belong to a device that captures, only one of them does."""
MJPG, YUYV, PISP = (struct.unpack("<I", code)[0] for code in (b"MJPG", b"YUYV", b"NV12"))
DISCRETE, CONTINUOUS, STEPWISE = 1, 2, 3


def capability(card: bytes, own: int, driver: bytes = b"uvcvideo") -> bytes:
    return struct.pack("<16s32s32s3I12x", driver, card, b"usb-1", 0x60100, CAPABILITY, own)


def form(index: int, code: int) -> bytes:
    return struct.pack("<3I32s2I12x", index, 1, 0, b"described", code, 0)


def size(index: int, code: int, kind: int, *numbers: int) -> bytes:
    return struct.pack(f"<3I{len(numbers)}I", index, code, kind, *numbers).ljust(44, b"\0")


def interval(index: int, code: int, height: int, width: int, kind: int, *numbers: int) -> bytes:
    return struct.pack(f"<5I{len(numbers)}I", index, code, width, height, kind, *numbers).ljust(52, b"\0")


WEBCAM = [
    capability(b"HD Webcam: \xc3\xa4", 0x04200001),
    form(0, MJPG),
    form(1, YUYV),
    size(0, MJPG, DISCRETE, 640, 480),
    size(1, MJPG, DISCRETE, 1280, 720),
    size(0, YUYV, DISCRETE, 640, 480),
    interval(0, MJPG, 480, 640, DISCRETE, 1, 15),
    interval(1, MJPG, 480, 640, DISCRETE, 1, 30),
    interval(0, MJPG, 720, 1280, DISCRETE, 1001, 30000),
    interval(0, YUYV, 480, 640, CONTINUOUS, 1, 30, 1, 5, 1, 1),
]
SENSOR = [capability(b"unicam", 0x00001001), form(0, PISP), size(0, PISP, STEPWISE, 16, 4056, 1, 32, 3040, 1)]
HEADS = {v4l2.QUERYCAP: 0, v4l2.ENUM_FMT: 2, v4l2.ENUM_FRAMESIZES: 2, v4l2.ENUM_FRAMEINTERVALS: 4}
"""For each request, how many numbers at the struct's beginning say what is asked for."""


def recorded(structs: list[bytes]) -> Callable[[int, int, bytearray], int]:
    """An ioctl that answers from a recording, and EINVAL for what is not in it."""
    requests = {number: (length, HEADS[number, length]) for number, length in HEADS}

    def ioctl(node: int, request: int, filled: bytearray) -> int:
        length, asked = requests[request]
        assert len(filled) == length
        for answer in structs:
            if len(answer) == length and answer[: 4 * asked] == filled[: 4 * asked]:
                filled[:] = answer
                return 0
        raise OSError(errno.EINVAL, "Invalid argument")

    return ioctl


@pytest.fixture
def dev(tmp_path: Path) -> Path:
    folder = tmp_path / "dev"
    folder.mkdir()
    return folder


def test_formats_sizes_and_rates_are_read(dev: Path) -> None:
    (dev / "video0").touch()
    (found,) = cameras(dev, dev, recorded(WEBCAM))
    assert found == Camera(
        str(dev / "video0"),
        "HD Webcam: ä",
        (
            Format("MJPG", (Mode((480, 640), (30.0, 15.0)), Mode((720, 1280), (29.97,)))),
            Format("YUYV", (Mode((480, 640), (30.0, 5.0)),)),
        ),
    )


def test_a_range_of_sizes_is_given_by_its_ends(dev: Path) -> None:
    (dev / "video0").touch()
    (found,) = cameras(dev, dev, recorded(SENSOR))
    assert found.formats == (Format("NV12", (Mode((32, 16), ()), Mode((3040, 4056), ())), any_between=True),)


def test_a_node_that_gives_no_pictures_is_no_camera(dev: Path) -> None:
    (dev / "video1").touch()
    assert cameras(dev, dev, recorded([capability(b"HD Webcam", META)])) == []


@pytest.mark.parametrize(
    ("driver", "card"),
    [
        (b"bcm2835-codec", b"bcm2835-codec-decode"),
        (b"bcm2835-codec", b"ril.isp"),
        (b"bcm2835-isp", b"bcm2835-isp"),
        (b"pispbe", b"pispbe"),
        (b"rpi-hevc-dec", b"rpi-hevc-dec"),
        (b"rpivid", b"rpivid"),
    ],
)
def test_a_boards_codecs_and_image_processors_are_no_cameras(dev: Path, driver: bytes, card: bytes) -> None:
    (dev / "video20").touch()
    structs = [form(0, MJPG), size(0, MJPG, DISCRETE, 640, 480)]
    assert cameras(dev, dev, recorded([capability(card, 0x04200001, driver), *structs])) == []
    (found,) = cameras(dev, dev, recorded([capability(card, 0x04200001), *structs]))
    assert found.name == card.decode()


def test_neither_are_they_where_they_cannot_be_opened(dev: Path, tmp_path: Path) -> None:
    (dev / "video20").mkdir()
    name = tmp_path / "sys" / "video20" / "name"
    name.parent.mkdir(parents=True)
    name.write_text("pispbe-output0\n")
    assert cameras(dev, tmp_path / "sys") == []


def test_a_cameras_name_does_not_steer_the_terminal(dev: Path) -> None:
    (dev / "video0").touch()
    (found,) = cameras(dev, dev, recorded([capability(b"HD\x1b[2J\rcam", 0x1), *WEBCAM[1:]]))
    assert found.name == "HD?[2J?cam"


def test_a_file_that_is_no_video_node_is_no_camera(dev: Path) -> None:
    for name in ("video0", "video", "videology"):
        (dev / name).touch()
    assert cameras(dev, dev) == []


def test_cameras_are_in_the_order_of_their_numbers(dev: Path) -> None:
    for number in (10, 2, 0):
        (dev / f"video{number}").touch()
    found = [Path(camera.device).name for camera in cameras(dev, dev, recorded(WEBCAM))]
    assert found == ["video0", "video2", "video10"]


def test_a_node_that_cannot_be_opened_goes_by_the_kernels_name_for_it(dev: Path, tmp_path: Path) -> None:
    (dev / "video0").mkdir()  # which refuses to be opened for writing, also to root
    name = tmp_path / "sys" / "video0" / "name"
    name.parent.mkdir(parents=True)
    name.write_text("HD Webcam\n")
    (found,) = cameras(dev, tmp_path / "sys", recorded(WEBCAM))
    assert (found.name, found.formats) == ("HD Webcam", ())
    assert found.problem == "Is a directory"


@pytest.mark.skipif(
    not shutil.which("gcc") or not Path("/usr/include/linux/videodev2.h").exists(),
    reason="apt install gcc linux-libc-dev",
)
def test_requests_and_structs_are_those_of_the_kernels_header(tmp_path: Path) -> None:
    pairs = {
        "QUERYCAP": "capability",
        "ENUM_FMT": "fmtdesc",
        "ENUM_FRAMESIZES": "frmsizeenum",
        "ENUM_FRAMEINTERVALS": "frmivalenum",
    }
    places = {
        ("capability", "card"): 16,
        ("capability", "capabilities"): 84,
        ("capability", "device_caps"): 88,
        ("fmtdesc", "pixelformat"): 44,
        ("frmsizeenum", "discrete"): 12,
        ("frmsizeenum", "stepwise.min_height"): 24,
        ("frmivalenum", "type"): 16,
        ("frmivalenum", "stepwise.max"): 28,
    }
    lines = [f'printf("%lu %lu\\n", (long)VIDIOC_{name}, sizeof(struct v4l2_{kind}));' for name, kind in pairs.items()]
    lines += [f'printf("%lu\\n", offsetof(struct v4l2_{kind}, {field}));' for kind, field in places]
    source = tmp_path / "ask.c"
    head = "".join(f"#include <{name}.h>\n" for name in ("linux/videodev2", "stddef", "stdio"))
    source.write_text(head + "int main() {" + "".join(lines) + "}")
    subprocess.run(["gcc", "-w", source, "-o", tmp_path / "ask"], check=True)
    told = subprocess.run([tmp_path / "ask"], check=True, capture_output=True, text=True).stdout.splitlines()
    assert [tuple(map(int, line.split())) for line in told[:4]] == [getattr(v4l2, name) for name in pairs]
    assert [int(line) for line in told[4:]] == list(places.values())
