from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from converters.job import Options
from converters.material import Material
from converters.saturation import saturating
from converters.sources.tflite import TfliteSource

Pictures = Callable[..., list[Path]]


@pytest.fixture
def source(plain_net: bytes, tmp_path: Path) -> TfliteSource:
    (tmp_path / "net.tflite").write_bytes(plain_net)
    return TfliteSource(tmp_path / "net.tflite", (0.0, 1.0))


@pytest.fixture
def pictures(tmp_path: Path) -> Pictures:
    """Write noise up to a brightness each, after black and white ones where asked for."""

    def write(name: str, *levels: int) -> list[Path]:
        rng = np.random.default_rng(len(name))
        (tmp_path / name).mkdir()
        paths = [tmp_path / name / f"{number:02d}.png" for number in range(len(levels))]
        for path, level in zip(paths, levels, strict=True):
            cv2.imwrite(str(path), rng.integers(0, level + 1, (32, 32, 3)).astype(np.uint8))
        return paths

    return write


def calibrated(source: TfliteSource, paths: list[Path]) -> Material:
    def unjudged() -> None:
        raise AssertionError("nothing is to be judged")

    return Material(source, Options(), [str(path) for path in paths], unjudged, lambda *at: None)


def test_images_like_the_frames_saturate_nothing(source: TfliteSource, pictures: Pictures) -> None:
    assert saturating(calibrated(source, pictures("frames", *[200] * 12)), pictures("others", *[200] * 6)) == []


def test_darker_images_saturate_nothing(source: TfliteSource, pictures: Pictures) -> None:
    assert saturating(calibrated(source, pictures("frames", *[200] * 12)), pictures("others", *[50] * 6)) == []


def test_much_brighter_images_saturate_and_the_layers_are_named(source: TfliteSource, pictures: Pictures) -> None:
    frames, others = pictures("frames", *[20] * 12), pictures("others", *[255] * 6)
    found = [line for line in saturating(calibrated(source, frames), others) if "saturate" in line]
    assert len(found) == 1
    assert "conv2d" in found[0]
    assert "calibrate with such" in found[0]
    assert "\n" not in found[0]
    assert int(found[0].split(" of ")[0]) >= 2


def test_one_odd_image_of_many_is_chance(source: TfliteSource, pictures: Pictures) -> None:
    frames, others = pictures("frames", *[60] * 12), pictures("others", *[60] * 24, 255)
    assert saturating(calibrated(source, frames), others) == []
    assert saturating(calibrated(source, frames), others[-5:]) != []


def test_ranges_that_still_grow_want_more_frames(source: TfliteSource, pictures: Pictures) -> None:
    """The first frame gets a black and a white pixel, whatever it shows; the others rise slowly."""
    rising = pictures("rising", *range(40, 240, 20), 255, 255)
    found = [line for line in saturating(calibrated(source, rising), rising[-2:]) if "grew" in line]
    assert len(found) == 1
    assert "of the 12 calibration frames; give more" in found[0]
    assert saturating(calibrated(source, [*rising[5:], *rising[:5]]), rising[-2:]) == []
