"""MediaPipe's ImageSegmenter, in an environment of its own, on the models that we describe."""

import ctypes
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from edgeseg import Segmenter
from edgeseg.data.dataset import read_mask
from edgeseg.images import read_frame
from edgeseg.metrics import pixel_agreement
from edgeseg.scene.belt import Belt
from edgeseg.scene.parts import CLASSES

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv-mediapipe" / "bin" / "python"
LIBRARIES = ("libEGL.so.1", "libGLESv2.so.2")


def missing() -> str:
    """Why MediaPipe cannot run here, or nothing."""
    if not PYTHON.is_file():
        return "needs .venv-mediapipe, which make test-slow makes"
    try:
        for library in LIBRARIES:
            ctypes.CDLL(library)
    except OSError as error:
        return f"MediaPipe needs libraries of the system ({error}): apt install libegl1 libgles2"
    return ""


pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=missing() or "runs")]

SEGMENT = """
import json, sys, cv2, mediapipe
from mediapipe.tasks.python import BaseOptions, vision
model, *pictures = sys.argv[1:]
options = vision.ImageSegmenterOptions(BaseOptions(model_asset_path=model), output_category_mask=True)
with vision.ImageSegmenter.create_from_options(options) as segmenter:
    for picture in pictures:
        found = segmenter.segment(mediapipe.Image.create_from_file(picture))
        cv2.imwrite(picture.replace(".png", ".mask.png"), found.category_mask.numpy_view())
    sums = sum(mask.numpy_view().mean() for mask in found.confidence_masks)
    print(json.dumps({"labels": list(segmenter.labels), "sum": float(sums)}))
"""

READ = """
import json, sys, tempfile, zipfile
from mediapipe.tasks.metadata import metadata_schema_py_generated as schema
from mediapipe.tasks.metadata import image_segmenter_metadata_schema_py_generated as options
metadata = schema.ModelMetadataT.InitFromPackedBuf(open(sys.argv[1], "rb").read())
def plain(value):
    if hasattr(value, "__dict__"):
        return {name: plain(field) for name, field in vars(value).items() if field is not None}
    if isinstance(value, bytes):
        return value.decode()
    return [plain(item) for item in value] if hasattr(value, "__len__") and not isinstance(value, str) else float(value)
for custom in metadata.subgraphMetadata[0].customMetadata or []:
    custom.data = [float(options.ImageSegmenterOptions.GetRootAs(bytearray(custom.data)).Activation())]
print(json.dumps(plain(metadata)))
"""


def ask(program: str, *arguments: object) -> Any:
    """The JSON on the last line that a program prints in MediaPipe's environment."""
    command = [str(PYTHON), "-c", program, *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


@pytest.fixture
def pictures(tmp_path: Path) -> Callable[[tuple[int, int]], list[Path]]:
    """A function from a size to five frames of a belt that no model was trained on."""

    def make(size: tuple[int, int]) -> list[Path]:
        belt, paths = Belt(99, size), [tmp_path / f"{i}.png" for i in range(5)]
        for i, path in enumerate(paths):
            cv2.imwrite(str(path), belt.frame(40 * i)[0])
        return paths

    return make


def corners(scores: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Class ids at `size`, the scores stretched so that corner pixels fall on corner pixels, as MediaPipe does."""
    (height, width), (rows, columns) = size, scores.shape[:2]
    y, x = np.linspace(0, rows - 1, height, dtype=np.float32), np.linspace(0, columns - 1, width, dtype=np.float32)
    grid = np.meshgrid(x, y)
    planes = np.ascontiguousarray(scores.transpose(2, 0, 1))
    channels = [cv2.remap(plane, *grid, cv2.INTER_LINEAR) for plane in planes]
    return np.argmax(channels, axis=0)


def logits(model: Path, frame: np.ndarray) -> np.ndarray:
    """Scores for a frame of the model's size, by LiteRT."""
    interpreter = Interpreter(str(model))
    interpreter.allocate_tensors()
    (there,), (here,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.set_tensor(there["index"], cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)[None].astype(there["dtype"]))
    interpreter.invoke()
    return interpreter.get_tensor(here["index"])[0].astype(np.float32)


@pytest.mark.parametrize("scheme", ["int8", "float32"])
def test_mediapipe_sees_the_same_pixels_scores_and_labels(models, pictures, scheme: str) -> None:
    model, paths = models(scheme, "logits"), pictures((64, 96))
    found = ask(SEGMENT, model, *paths)
    assert found["labels"] == list(CLASSES)
    assert found["sum"] == pytest.approx(1, abs=0.01)  # softmax: confidences, not scores
    masks = [read_mask(path.with_suffix(".mask.png")) for path in paths]
    frames = [read_frame(path) for path in paths]
    assert len(np.unique(masks)) > 1
    for mask, frame in zip(masks, frames, strict=True):
        assert pixel_agreement(mask, corners(logits(model, frame), (64, 96))) > 0.999


@pytest.mark.parametrize(("size", "least"), [((64, 96), 0.95), ((160, 200), 0.92)])
def test_masks_differ_from_ours_by_how_scores_are_stretched(models, pictures, size, least: float) -> None:
    # We align pixel centres, MediaPipe corners: half a cell of the coarse scores, 24 to a row here, moves each border.
    model, paths = models("int8", "logits"), pictures(size)
    ask(SEGMENT, model, *paths)
    segmenter = Segmenter(model)
    ours = [pixel_agreement(read_mask(path.with_suffix(".mask.png")), segmenter(read_frame(path))) for path in paths]
    assert np.mean(ours) > least


@pytest.mark.parametrize(("size", "least"), [((64, 96), 0.99), ((160, 200), 0.95)])
def test_scores_at_the_inputs_size_give_the_same_mask_as_ours(models, pictures, size, least: float) -> None:
    # At another size MediaPipe stretches the scores, and we the mask: outlines of 2.5 pixels' width differ.
    model, paths = models("int8", "scores"), pictures(size)
    assert ask(SEGMENT, model, *paths)["labels"] == list(CLASSES)
    segmenter = Segmenter(model)
    ours = [pixel_agreement(read_mask(path.with_suffix(".mask.png")), segmenter(read_frame(path))) for path in paths]
    assert np.mean(ours) >= least


@pytest.mark.parametrize("output", ["logits", "labels"])
def test_the_schemas_own_reader_understands_us(models, tmp_path: Path, output: str) -> None:
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(models("int8", output).read_bytes())
    entry = next(e for e in map(model.Metadata, range(model.MetadataLength())) if e.Name() == b"TFLITE_METADATA")
    (tmp_path / "metadata").write_bytes(model.Buffers(entry.Buffer()).DataAsNumpy().tobytes())
    read = ask(READ, tmp_path / "metadata")
    (graph,) = read["subgraphMetadata"]
    (image,), (answer,) = graph["inputTensorMetadata"], graph["outputTensorMetadata"]
    assert image["content"]["contentProperties"] == {"colorSpace": 1, "defaultSize": {"width": 96, "height": 64}}
    assert image["processUnits"] == [{"optionsType": 1, "options": {"mean": [0], "std": [1]}}]
    assert image["stats"] == {"min": [0], "max": [255]}
    (file,) = answer["associatedFiles"]
    assert (file["name"], file["type"]) == ("labels.txt", 2 if output == "logits" else 3)
    if output == "logits":
        assert answer["dimensionNames"] == ["batch", "height", "width", "class"]
        assert answer["content"]["range"] == {"min": 1, "max": 2}
        assert graph["customMetadata"] == [{"name": "SEGMENTER_METADATA", "data": [2]}]
    else:
        assert answer["content"]["contentPropertiesType"] == 1
        assert "customMetadata" not in graph


def test_a_class_map_loads_in_mediapipe_but_means_nothing_to_it(models, pictures) -> None:
    paths = pictures((64, 96))
    found = ask(SEGMENT, models("int8", "labels"), *paths)
    assert found["labels"] == []
    assert not np.any([read_mask(path.with_suffix(".mask.png")) for path in paths])
