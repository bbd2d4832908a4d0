import importlib.util
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from converters.tflm.c_source import write_c
from converters.tflm.check import check_file
from converters.tflm.runtime import flatbuffer, interpreter
from edgeseg.images import Image
from edgeseg.segmenter import Segmenter

TREE = "EDGESEG_TFLM"
"""Names the folder of a built TensorFlow Lite Micro, which no package registry has."""

needs_interpreter = pytest.mark.skipif(
    importlib.util.find_spec("tflite_micro") is None,
    reason="needs tflite-micro, which has wheels for Linux on x86-64 only",
)


@pytest.fixture(params=["logits", "int8"])
def model(request: pytest.FixtureRequest, byte_models: Callable[[str], Path], tmp_path: Path) -> Path:
    """With model.h and model.cc in its folder."""
    path = tmp_path / "model.tflite"
    path.write_bytes(byte_models(request.param).read_bytes())
    write_c(path, path)
    return path


def drawn(output: str, pictures: int) -> list[np.ndarray]:
    """The class ids that host.cc drew, and checked against the areas it printed."""
    lines = output.splitlines()
    height = len(lines) // pictures - 1
    masks = []
    for start in range(0, len(lines), height + 1):
        rows = [[int(cell.replace(".", "0"), 36) for cell in line] for line in lines[start : start + height]]
        masks.append(np.array(rows))
        areas = dict(part.split(": ") for part in lines[start + height].split("  ") if part)
        assert {int(key): int(value) for key, value in areas.items() if int(value)} == {
            int(i): int(np.sum(masks[-1] == i)) for i in np.unique(masks[-1])
        }
    return masks


@needs_interpreter
def test_the_loop_draws_what_tflite_micro_sees(
    model: Path, examples: Path, cmake: Callable[..., Path], belt_frames: list[Image], tmp_path: Path
) -> None:
    board = f"BOARD={examples}/microcontroller/host.cc;{Path(__file__).parent}/piped_network.cc"
    program = cmake(examples / "microcontroller", tmp_path / "build", f"MODEL={model.parent}", board)
    segmenter = Segmenter(model)
    pictures = [segmenter.picture(frame) for frame in belt_frames]
    micro = interpreter(flatbuffer(model.read_bytes()), (check_file(model, frames=1).arena_bytes or 0) + 1024)
    (questions, asked), (answered, answers) = os.pipe(), os.pipe()
    environment = os.environ | {"QUESTIONS": str(asked), "ANSWERS": str(answered)}
    (tmp_path / "frames.rgb").write_bytes(b"".join(picture.tobytes() for picture in pictures))
    expected = []
    with (
        (tmp_path / "frames.rgb").open("rb") as frames,
        subprocess.Popen(
            [program], stdin=frames, stdout=subprocess.PIPE, text=True, env=environment, pass_fds=(asked, answered)
        ) as process,
    ):
        os.close(asked)
        os.close(answered)
        details = micro.get_input_details(0)
        with os.fdopen(questions, "rb") as asking, os.fdopen(answers, "wb") as answering:
            while data := asking.read(pictures[0].size):
                micro.set_input(np.frombuffer(data, details["dtype"]).reshape(details["shape"]), 0)
                micro.invoke()
                scores = micro.get_output(0)
                expected.append(scores[0].argmax(axis=-1))
                answering.write(scores.tobytes())
                answering.flush()
        assert process.stdout is not None
        masks = drawn(process.stdout.read(), len(pictures))
    assert process.returncode == 0
    assert len(expected) == len(pictures)
    for mask, same, picture in zip(masks, expected, pictures, strict=True):
        assert len(np.unique(same)) > 1
        assert np.array_equal(mask, same)
        segmenter.infer(picture)
        # Other kernels than a board's processor has, with a few steps' difference.
        assert np.mean(mask == segmenter.scores().argmax(axis=-1)) >= 0.98


def test_the_loop_runs_on_a_built_tflite_micro(
    model: Path, examples: Path, cmake: Callable[..., Path], belt_frames: list[Image], tmp_path: Path
) -> None:
    if TREE not in os.environ:
        pytest.skip(f"needs a built TensorFlow Lite Micro: name the folder of its sources in {TREE}")
    definitions = (f"MODEL={model.parent}", f"BOARD={examples}/microcontroller/host.cc", f"TFLM={os.environ[TREE]}")
    program = cmake(examples / "microcontroller", tmp_path / "build", *definitions)
    segmenter = Segmenter(model)
    pictures = [segmenter.picture(frame) for frame in belt_frames]
    data = b"".join(picture.tobytes() for picture in pictures)
    done = subprocess.run([program], input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    for mask, picture in zip(drawn(done.stdout.decode(), len(pictures)), pictures, strict=True):
        segmenter.infer(picture)
        assert np.mean(mask == segmenter.scores().argmax(axis=-1)) >= 0.98
