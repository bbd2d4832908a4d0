import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgeseg import Segmenter
from edgeseg.data.dataset import read_mask
from edgeseg.errors import DataError, ModelError, UsageError
from edgeseg.labels import Labels
from edgeseg.metrics import pixel_agreement
from edgeseg.scene.belt import Belt
from edgeseg.scene.parts import CLASSES


def test_a_frame_in_a_mask_out(int8_model: Path) -> None:
    frame, _ = Belt(99, (120, 180)).frame(4)
    segmenter = Segmenter(int8_model)
    mask = segmenter(frame)
    assert mask.shape == (120, 180)
    assert mask.dtype == np.uint8
    assert mask.max() < len(CLASSES)
    assert segmenter.labels.names == CLASSES
    assert segmenter.invoke_ms > 0


def test_masks_do_not_share_memory_with_the_interpreter(int8_model: Path) -> None:
    segmenter, belt = Segmenter(int8_model), Belt(99, segmenter_size := (64, 96))
    assert segmenter.size == segmenter_size
    first = segmenter(belt.frame(0)[0])
    kept = first.copy()
    segmenter(belt.frame(200)[0])
    assert np.array_equal(first, kept)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["int8", "float32"])
def test_labels_and_logits_give_nearly_the_same_mask(models: Callable[[str, str], Path], scheme: str) -> None:
    one, other = Segmenter(models(scheme, "labels")), Segmenter(models(scheme, "logits"))
    belt = Belt(99, (64, 96))
    agreement = np.mean([pixel_agreement(one(f), other(f)) for f in (belt.frame(i)[0] for i in range(0, 80, 20))])
    assert agreement > 0.98


@pytest.mark.parametrize("shape", [(64, 96), (64, 96, 4), (64, 96, 1)])
def test_an_array_that_is_no_frame_is_refused(int8_model: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match="HxWx3 uint8"):
        Segmenter(int8_model)(np.zeros(shape, np.uint8))


def test_a_picture_that_could_not_be_read_is_explained(int8_model: Path) -> None:
    with pytest.raises(DataError, match="could the picture be read"):
        Segmenter(int8_model)(cv2.imread("/nowhere.png"))


def test_a_truncated_model_is_refused(int8_model: Path, tmp_path: Path) -> None:
    data = int8_model.read_bytes()
    for length in (4, 30, 1000, len(data) // 2, int(len(data) * 0.9), len(data) - 50, len(data) - 1):
        (tmp_path / "cut.tflite").write_bytes(data[:length])
        with pytest.raises(ModelError, match=r"cut\.tflite"):
            Segmenter(tmp_path / "cut.tflite")


def test_a_keras_model_is_explained(run_folder: Path) -> None:
    with pytest.raises(ModelError, match="edgeseg quantize"):
        Segmenter(run_folder / "best.keras")
    with pytest.raises(ModelError, match="edgeseg quantize"):
        Segmenter(run_folder)


def test_an_unknown_runtime_lists_the_known(int8_model: Path) -> None:
    with pytest.raises(UsageError, match="litert, tflite-runtime"):
        Segmenter(int8_model, runtime="onnx")


@pytest.mark.parametrize(
    ("model", "picture", "least"),
    [
        ("deeplabv3_mnv2_dm05_pascal_quant", "bird", 0.96),
        ("deeplab_mobilenet_edgetpu_slim_cityscapes_quant", "cityscapes", 0.92),
    ],
)
def test_models_made_by_others_give_their_published_masks(shared: Path, model: str, picture: str, least: float) -> None:
    folder = shared / "models"
    segmenter = Segmenter(folder / "edgetpu_cases" / f"{model}.tflite")
    mask = segmenter(cv2.imread(str(folder / f"{picture}_segmentation.bmp")))
    assert pixel_agreement(mask, read_mask(folder / f"{picture}_segmentation_mask.bmp")) >= least


def test_a_model_for_the_edge_tpu_without_one_is_explained(shared: Path) -> None:
    with pytest.raises(ModelError, match="compiled for the Edge TPU"):
        Segmenter(shared / "models" / "deeplabv3_mnv2_dm05_pascal_quant_edgetpu.tflite")


def foreign(model: Path, path: Path, names: list[str]) -> Path:
    """The model as another tool would hand it over: the names in the archive, and nothing of ours."""
    with zipfile.ZipFile(model) as archive:
        start = min(member.header_offset for member in archive.infolist())
    path.write_bytes(model.read_bytes()[:start])
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("labelmap.txt", "\n".join(names))
    return path


@pytest.mark.parametrize("output", ["logits", "labels"])
def test_names_of_a_model_made_elsewhere_are_used(models: Callable[[str, str], Path], tmp_path: Path, output) -> None:
    names = [name.upper() for name in CLASSES]
    segmenter = Segmenter(foreign(models("int8", output), tmp_path / "m.tflite", names))
    assert segmenter.info is None
    assert segmenter.labels.names == tuple(names)
    assert Segmenter(segmenter.path, labels=Labels.from_names("abcd")).labels.names == ("a", "b", "c", "d")


def test_names_for_other_classes_than_the_model_has_are_not_used(
    models: Callable[[str, str], Path], tmp_path: Path
) -> None:
    segmenter = Segmenter(foreign(models("int8", "logits"), tmp_path / "m.tflite", [*CLASSES, "one more"]))
    assert segmenter.labels.names == tuple(f"class{i}" for i in range(len(CLASSES)))
