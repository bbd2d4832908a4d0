import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgeseg.images import Image
from edgeseg.segmenter import Segmenter


@pytest.fixture(scope="session")
def program(examples: Path, cmake: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Against the LiteRT of this Python."""
    import sys

    return cmake(examples / "raspberry_pi_cpp", tmp_path_factory.mktemp("cpp"), f"Python3_EXECUTABLE={sys.executable}")


def segment(program: Path, data: bytes, *arguments: object) -> subprocess.CompletedProcess[bytes]:
    command = [str(program), *map(str, arguments)]
    return subprocess.run(command, input=data, capture_output=True, timeout=60, check=False)


@pytest.mark.parametrize("kind", ["labels", "logits", "int8"])
def test_its_class_ids_are_those_of_python(
    kind: str, program: Path, byte_models: Callable[[str], Path], belt_frames: list[Image], tmp_path: Path
) -> None:
    model = byte_models(kind)
    segmenter = Segmenter(model)
    pictures = [segmenter.picture(frame) for frame in belt_frames]
    expected = []
    for picture in pictures:
        mask = segmenter.infer(picture)
        expected.append(mask if kind == "labels" else segmenter.scores().argmax(axis=-1))

    done = segment(program, b"".join(picture.tobytes() for picture in pictures), model, tmp_path / "masks.raw")
    assert done.returncode == 0, done.stderr.decode()
    masks = np.fromfile(tmp_path / "masks.raw", np.uint8).reshape(len(expected), *expected[0].shape)
    for mask, same, line in zip(masks, expected, done.stdout.decode().splitlines(), strict=True):
        assert len(np.unique(same)) > 1
        assert np.array_equal(mask, same)
        areas = {int(i): float(share) for i, share in re.findall(r"(\d+): ([\d.]+)%", line)}
        assert areas == {int(i): pytest.approx(np.mean(same == i) * 100, abs=0.06) for i in np.unique(same)}


def test_what_it_cannot_run_is_one_error(
    program: Path, models: Callable[[str, str], Path], int8_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "text.tflite").write_text("no model")
    for arguments, message in [
        ((), "write  segment MODEL.tflite"),
        ((tmp_path / "text.tflite",), "the model cannot be read"),
        ((models("float32", "labels"),), "no RGB in 8 bits"),
        ((int8_model, tmp_path / "no" / "masks.raw"), "file for the masks cannot be written"),
        ((int8_model,), "no whole frame came"),
    ]:
        done = segment(program, b"too short", *arguments)
        assert done.returncode == 1
        errors = [line for line in done.stderr.decode().splitlines() if line.startswith("error: ")]
        assert len(errors) == 1
        assert message in errors[0]


def test_another_litert_than_the_header_is_for_is_refused(
    examples: Path, tmp_path: Path, needs: Callable[..., None]
) -> None:
    needs("cmake", "c++")
    old = tmp_path / "python"
    old.write_text('#!/bin/sh\ncase "$*" in *ai_edge_litert*) echo "1.4.0;/nowhere";; *) exec python3 "$@";; esac\n')
    old.chmod(0o755)
    command = ["cmake", "-S", examples / "raspberry_pi_cpp", "-B", tmp_path / "build", f"-DPython3_EXECUTABLE={old}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "litert.h is for ai-edge-litert 2.3, and this is 1.4.0" in " ".join(done.stderr.split())
