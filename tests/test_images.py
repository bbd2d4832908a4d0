from pathlib import Path

import cv2
import numpy as np
import pytest

from edgeseg.errors import DataError
from edgeseg.images import encode_jpeg, encode_png, preprocess, read_frame, resize_mask


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".png", ".webp", ".bmp"])
@pytest.mark.parametrize("grey", [True, False])
def test_every_format_is_read_as_bgr(tmp_path: Path, suffix: str, grey: bool) -> None:
    picture = np.full((20, 30), 200, np.uint8) if grey else np.full((20, 30, 3), (10, 100, 200), np.uint8)
    path = tmp_path / f"a{suffix}"
    cv2.imwrite(str(path), picture)
    frame = read_frame(path)
    assert frame.shape == (20, 30, 3)
    expected = (200, 200, 200) if grey else (10, 100, 200)
    assert np.abs(frame.mean(axis=(0, 1)) - expected).max() < 8


@pytest.mark.parametrize("content", [None, b"", b"no image"])
def test_unreadable_files_are_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.jpg"):
        read_frame(path)


def test_preprocess_turns_bgr_into_rgb() -> None:
    frame = np.full((8, 8, 3), (10, 20, 30), np.uint8)
    assert tuple(preprocess(frame, (4, 4), 3)[0, 0]) == (30, 20, 10)


def test_preprocess_makes_one_channel() -> None:
    assert preprocess(np.full((8, 8, 3), 77, np.uint8), (4, 6), 1).shape == (4, 6, 1)
    assert preprocess(np.full((8, 8, 3), 77, np.uint8), (8, 8), 1).max() == 77


def test_shrinking_by_more_than_two_averages() -> None:
    frame = np.zeros((64, 64, 3), np.uint8)
    frame[:, ::4] = 200  # bilinear sampling at a quarter would see only some of the lines
    small = preprocess(frame, (16, 16), 3)
    assert np.abs(small.astype(int) - 50).max() <= 1


def test_masks_keep_their_ids_when_resized() -> None:
    mask = np.kron(np.array([[0, 7], [9, 3]], np.uint8), np.ones((5, 5), np.uint8))
    assert set(np.unique(resize_mask(mask, (33, 17)))) == {0, 3, 7, 9}
    assert np.array_equal(resize_mask(resize_mask(mask, (30, 30)), (10, 10)), mask)


@pytest.mark.parametrize("shape", [(40, 50), (40, 50, 3)])
@pytest.mark.parametrize("compression", [None, 0, 9])
def test_a_png_is_without_loss(shape: tuple[int, ...], compression: int | None) -> None:
    image = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    read = cv2.imdecode(np.frombuffer(encode_png(image, compression), np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(read, image)


def test_a_jpeg_of_lower_quality_is_smaller_and_bgr() -> None:
    image = np.full((64, 64, 3), (10, 100, 200), np.uint8)
    image[::2, ::3] = (12, 90, 190)
    fine, coarse = encode_jpeg(image, 95), encode_jpeg(image, 30)
    assert len(coarse) < len(fine)
    read = cv2.imdecode(np.frombuffer(fine, np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(read.mean(axis=(0, 1)) - image.mean(axis=(0, 1))).max() < 3
