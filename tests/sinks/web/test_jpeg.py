"""JPEG as cameras send it."""

import cv2
import numpy as np
import pytest

from edgeseg.images import encode_jpeg
from edgeseg.scene.belt import Belt
from edgeseg.sinks.web.jpeg import complete_jpeg

PICTURE = Belt(2026, (64, 96)).frame(3)[0]
TABLES = b"\xff\xc4"


def without_tables(jpeg: bytes) -> bytes:
    while TABLES in jpeg:
        start = jpeg.index(TABLES)
        jpeg = jpeg[:start] + jpeg[start + 2 + int.from_bytes(jpeg[start + 2 : start + 4], "big") :]
    return jpeg


def test_a_whole_jpeg_stays_as_it_is() -> None:
    jpeg = encode_jpeg(PICTURE, 80)
    assert complete_jpeg(jpeg) is jpeg


def test_missing_huffman_tables_are_filled_in() -> None:
    jpeg = encode_jpeg(PICTURE, 80)
    bare = without_tables(jpeg)
    assert TABLES not in bare
    mended = complete_jpeg(bare)
    assert TABLES in mended
    both = [cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) for data in (jpeg, mended)]
    assert np.array_equal(*both)


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\x00", b"no picture at all", b"\xff\xd8\xff\xe0\xff\xff"]
)
def test_what_is_no_jpeg_is_passed_on_untouched(data: bytes) -> None:
    assert complete_jpeg(data) == data
