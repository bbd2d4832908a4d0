from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgeseg.bundle.archive import Bundle
from edgeseg.bundle.golden import choose
from edgeseg.bundle.pack import Order, pack
from edgeseg.bundle.record import Record
from edgeseg.errors import DataError, EdgesegError, ModelError, UsageError
from edgeseg.labels import Labels
from edgeseg.scene.belt import Belt
from edgeseg.scene.parts import CLASSES
from edgeseg.segmenter import Segmenter

JPEG = [cv2.IMWRITE_JPEG_QUALITY, 90]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Five PNG and five JPEG of the belt, larger than the model."""
    folder, belt = tmp_path / "pictures", Belt(1, (120, 160))
    folder.mkdir()
    for number in range(10):
        suffix = "png" if number < 5 else "jpg"
        cv2.imwrite(str(folder / f"{number}.{suffix}"), belt.frame(10 * number)[0], JPEG if suffix == "jpg" else [])
    return folder


def test_a_bundle_holds_the_model_what_it_says_and_golden_frames(
    int8_model: Path, pictures: Path, tmp_path: Path
) -> None:
    made, notes = pack(Order(int8_model, pictures, tmp_path / "belt.edgeseg", live=("--source", "belt:")))
    made.verify()
    assert notes == []
    assert made.manifest.name == "belt"
    assert made.manifest.labels.names == CLASSES
    assert made.manifest.figures["scheme"] == "int8"
    assert 0 <= made.manifest.figures["miou"] <= 1
    assert made.manifest.live == ("--source", "belt:")
    assert made.read("model.tflite") == int8_model.read_bytes()
    segmenter = Segmenter(int8_model)
    for each in made.manifest.golden:
        frame = cv2.imread(str(pictures / each.name))
        mask = cv2.imdecode(np.frombuffer(made.read(each.mask), np.uint8), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(mask, segmenter.label_map(frame))
        assert np.array_equal(Record.from_bytes(made.read(each.stages)).frame, frame)


def test_the_same_input_gives_the_same_bytes(
    models: Callable[[str, str], Path], pictures: Path, tmp_path: Path
) -> None:
    order = Order(models("int8", "logits"), pictures, tmp_path / "a.edgeseg", name="belt")
    pack(order)
    pack(replace(order, out=tmp_path / "b.edgeseg"))
    assert (tmp_path / "a.edgeseg").read_bytes() == (tmp_path / "b.edgeseg").read_bytes()


def test_golden_frames_are_spread_evenly_and_come_from_val(pictures: Path, belt_set: Path, tmp_path: Path) -> None:
    assert [path.name for path in choose(pictures, 2)] == ["2.png", "7.jpg"]
    assert len(choose(pictures, 50)) == 10
    assert {path.parents[1].name for path in choose(belt_set, 3)} == {"val"}
    with pytest.raises(DataError):
        choose(tmp_path / "none", 1)


def test_a_camera_s_jpeg_is_kept_and_one_that_is_turned_or_large_is_not(int8_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    plain = cv2.imencode(".jpg", Belt(1, (120, 160)).frame(3)[0], JPEG)[1].tobytes()
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    turned = plain[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + plain[2:]
    (folder / "0.jpg").write_bytes(plain)
    (folder / "1.jpg").write_bytes(turned)
    cv2.imwrite(str(folder / "2.jpg"), cv2.resize(Belt(1, (120, 160)).frame(3)[0], (2000, 1500)))
    made, _ = pack(Order(int8_model, folder, tmp_path / "a.edgeseg"))
    frames = [made.read(each.frame) for each in made.manifest.golden]
    shapes = [Record.from_bytes(made.read(each.stages)).frame.shape[:2] for each in made.manifest.golden]
    assert frames[0] == plain
    assert frames[1] != turned
    assert shapes == [(120, 160), (160, 120), (750, 1000)]


def test_golden_frames_that_tell_nothing_are_noted(int8_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "black"
    folder.mkdir()
    model = Segmenter(int8_model)
    flat = next(
        frame
        for level in range(0, 256, 5)
        if len(np.unique(model.label_map(frame := np.full((64, 96, 3), level, np.uint8)))) == 1
    )
    cv2.imwrite(str(folder / "flat.png"), flat)
    _, notes = pack(Order(int8_model, folder, tmp_path / "a.edgeseg"))
    assert "one class alone" in notes[0]


def test_labels_can_be_given(int8_model: Path, pictures: Path, tmp_path: Path) -> None:
    made, _ = pack(Order(int8_model, pictures, tmp_path / "a.edgeseg", frames=1, labels=Labels.from_names("vwxyz")))
    assert made.manifest.labels.names == tuple("vwxyz")


@pytest.mark.parametrize("out", ["a.zip", "a b.edgeseg", ".edgeseg"])
def test_a_name_that_is_none_is_refused_before_any_work(out: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no name for a bundle"):
        pack(Order(tmp_path / "none", tmp_path / "none", tmp_path / out))


def test_a_failure_leaves_what_was_there(int8_model: Path, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.edgeseg"
    out.write_bytes(b"the one before")
    (pictures / "3.png").write_bytes(b"no picture")
    cut = tmp_path / "cut.tflite"
    cut.write_bytes(int8_model.read_bytes()[:2000])
    for order in (Order(int8_model, pictures, out, frames=10), Order(cut, pictures, out, frames=1)):
        with pytest.raises(EdgesegError):
            pack(order)
    assert out.read_bytes() == b"the one before"
    assert not list(tmp_path.glob(".a*"))


def test_the_model_for_the_edge_tpu_comes_with_its_sibling_and_no_other(
    shared: Path, int8_model: Path, pictures: Path, tmp_path: Path
) -> None:
    compiled = shared / "models" / "deeplabv3_mnv2_dm05_pascal_quant_edgetpu.tflite"
    sibling = shared / "models" / "edgetpu_cases" / "deeplabv3_mnv2_dm05_pascal_quant.tflite"
    out = tmp_path / "a.edgeseg"
    refused = {
        "beside its CPU version": Order(compiled, pictures, out),
        "is not compiled": Order(sibling, pictures, out, edgetpu=sibling),
        "takes or gives something else": Order(int8_model, pictures, out, edgetpu=compiled),
    }
    for message, order in refused.items():
        with pytest.raises(ModelError, match=message):
            pack(order)
    pack(Order(sibling, pictures, out, frames=1, edgetpu=compiled))
    found = Bundle.open(out).model_path(compiled=True, cache=tmp_path / "cache")
    assert found.read_bytes() == compiled.read_bytes()
    assert (found.parent / "model.tflite").read_bytes() == sibling.read_bytes()
