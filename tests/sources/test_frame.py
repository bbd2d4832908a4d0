"""JPEGs as cameras send them."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest

from edgeseg.errors import DataError
from edgeseg.sources.frame import decode_jpeg

HUFFMAN, SCAN = 0xC4, 0xDA


def picture() -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    return cv2.resize(noise, (160, 120), interpolation=cv2.INTER_CUBIC)


def jpeg(image: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", image)[1].tobytes()


def without_tables(data: bytes) -> bytes:
    """A webcam leaves out the Huffman tables, which the standard gives."""
    kept, at = data[:2], 2
    while True:
        kind, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if kind != HUFFMAN:
            kept += data[at : at + 2 + length]
        at += 2 + length
        if kind == SCAN:
            return kept + data[at:]


def four_colors() -> bytes:
    image = pytest.importorskip("PIL.Image", reason="needs Pillow, to write a CMYK picture")
    file = io.BytesIO()
    image.fromarray(picture()[:, :, ::-1]).convert("CMYK").save(file, "JPEG")
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        jpeg(picture()),
        jpeg(picture()[:, :, 0]),
        without_tables(jpeg(picture())),
        jpeg(picture())[:-2] + b"\x12\x34\xff\xd9",
        jpeg(picture()) + bytes(50),
        four_colors(),
    ],
    ids=["color", "grey", "no-tables", "bytes-over", "padded", "cmyk"],
)
def test_what_cameras_send_decodes_as_with_opencv(data: bytes) -> None:
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(decode_jpeg(data), expected)


@pytest.mark.parametrize("data", [b"", b"\xff\xd9", b"no picture\xff\xd9", jpeg(picture())[:-40]])
def test_what_is_no_whole_jpeg_is_refused(data: bytes) -> None:
    with pytest.raises(DataError, match="no whole JPEG"):
        decode_jpeg(data)
