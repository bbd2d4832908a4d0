"""A fault planted in each stage is found by that stage's name, and no other."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from edgeseg import images
from edgeseg.bundle.record import Record
from edgeseg.errors import GateError, ModelError
from edgeseg.images import encode_png
from edgeseg.scene.belt import Belt
from edgeseg.segmenter import Segmenter, class_map
from edgeseg.selftest.run import selftest
from edgeseg.sources import frame

Altered = Callable[[Path, dict[str, Callable[[bytes], bytes]]], Path]
read_frame, resize, decode_jpeg = images.read_frame, images.resize, frame.decode_jpeg


def differing(path: Path) -> tuple[str, ...]:
    report = selftest(path)
    if report.differing:
        with pytest.raises(GateError, match=report.differing[0]):
            report.require()
    return report.differing


@pytest.mark.parametrize("bundle", ["logits_bundle", "labels_bundle"])
def test_the_machine_that_made_it_differs_in_nothing(bundle: str, request: pytest.FixtureRequest) -> None:
    report = selftest(request.getfixturevalue(bundle))
    assert report.differing == ()
    assert report.agreement == 1.0
    assert {each.stage for each in report.outcomes} == {"decode", "resize", "colour", "model", "argmax"}
    report.require()


@pytest.mark.parametrize("bundle", ["logits_bundle", "labels_bundle"])
def test_other_kernels_for_the_same_model_differ_in_nothing(
    bundle: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGESEG_RUNTIME", "reference")
    report = selftest(request.getfixturevalue(bundle))
    assert report.differing == ()
    assert report.agreement > 0.9


def nearest(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return cv2.resize(image, (size[1], size[0]), interpolation=cv2.INTER_NEAREST)


FAULTS = [
    ("decode", images, "read_frame", lambda path: read_frame(path)[:, :, ::-1]),
    ("decode", images, "read_frame", lambda path: cv2.blur(read_frame(path), (3, 3))),
    ("decode", images, "read_frame", lambda path: cv2.cvtColor(cv2.imread(str(path), 0), cv2.COLOR_GRAY2BGR)),
    ("decode", images, "read_frame", lambda path: np.rot90(read_frame(path))),
    ("decode", frame, "decode_jpeg", lambda data: decode_jpeg(data)[:, :, ::-1]),
    ("resize", images, "resize", nearest),
    (
        "resize",
        images,
        "resize",
        lambda image, size: np.roll(resize(image, size), 1, 1) if size != image.shape[:2] else image,
    ),
    ("colour", images, "to_channels", lambda image, channels: image),
    ("colour", images, "to_channels", lambda image, channels: cv2.add(image[:, :, ::-1], 1)),
]


@pytest.mark.parametrize(("stage", "module", "function", "faulty"), FAULTS)
def test_a_machine_that_reads_resizes_or_colours_otherwise_is_found_out(
    logits_bundle: Path, monkeypatch: pytest.MonkeyPatch, stage: str, module: object, function: str, faulty: Callable
) -> None:
    monkeypatch.setattr(module, function, faulty)
    assert differing(logits_bundle) == (stage,)


@pytest.mark.parametrize(
    "faulty",
    [
        lambda scores, size: class_map(scores, size) + np.uint8(1),
        lambda scores, size: class_map(scores.view(np.uint8), size),  # signed scores taken for unsigned ones
        lambda scores, size: class_map(np.roll(scores, 1, 0), size),
    ],
)
def test_an_argmax_that_errs_is_found_out(
    logits_bundle: Path, monkeypatch: pytest.MonkeyPatch, faulty: Callable
) -> None:
    monkeypatch.setattr("edgeseg.segmenter.class_map", faulty)
    assert differing(logits_bundle) == ("argmax",)


def other_weights(data: bytes) -> bytes:
    """A network of the same shape that learned something else: each filter backwards."""
    interpreter = Interpreter(model_content=data)
    interpreter.allocate_tensors()
    for details in interpreter.get_tensor_details():
        if details["dtype"] == np.int8 and len(details["shape"]) == 4 and details["shape"][0] > 1:
            weights = interpreter.get_tensor(details["index"])
            data = data.replace(weights.tobytes(), weights.ravel()[::-1].tobytes())
    return data


@pytest.mark.parametrize("bundle", ["logits_bundle", "labels_bundle"])
def test_another_model_is_found_out(bundle: str, request: pytest.FixtureRequest, altered: Altered) -> None:
    assert differing(altered(request.getfixturevalue(bundle), {"model.tflite": other_weights})) == ("model",)


def test_golden_frames_of_scores_do_not_serve_a_model_of_class_ids(
    logits_bundle: Path, int8_model: Path, altered: Altered
) -> None:
    with pytest.raises(ModelError, match="not for this model"):
        selftest(altered(logits_bundle, {"model.tflite": lambda _: int8_model.read_bytes()}))


def test_an_accelerator_that_fails_is_the_model_s_fault(logits_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    infer = Segmenter.infer

    def failing(self: Segmenter, image: np.ndarray) -> np.ndarray:
        monkeypatch.setattr(self._interpreter, "invoke", invoke)
        return infer(self, image)

    def invoke() -> None:
        raise RuntimeError("gone")

    monkeypatch.setattr(Segmenter, "infer", failing)
    assert differing(logits_bundle) == ("model",)


def recorded(change: Callable[[Record], Record]) -> Callable[[bytes], bytes]:
    return lambda data: change(Record.from_bytes(data)).to_bytes()


def test_records_of_a_machine_that_differed_are_found_out_by_stage(logits_bundle: Path, altered: Altered) -> None:
    another = Belt(7, (120, 160)).frame(9)[0]
    jpeg = cv2.imencode(".jpg", another)[1].tobytes()
    assert differing(altered(logits_bundle, {"golden/0/frame.png": lambda _: encode_png(another)})) == ("decode",)
    assert differing(altered(logits_bundle, {"golden/1/frame.jpg": lambda _: jpeg})) == ("decode",)
    changes = {
        "golden/0/frame.png": lambda _: encode_png(another),
        "golden/0/stages.npz": recorded(lambda record: replace(record, frame=another)),
    }
    assert differing(altered(logits_bundle, changes)) == ("resize",)
    scores = recorded(lambda record: replace(record, raw=record.raw[::-1]))
    assert differing(altered(logits_bundle, {"golden/1/stages.npz": scores})) == ("model", "argmax")

    def later(data: bytes) -> bytes:
        mask = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        mask[30, 40] = 7
        return encode_png(mask)

    assert differing(altered(logits_bundle, {"golden/0/mask.png": later})) == ("argmax",)


def test_a_jpeg_decoder_of_the_coarsest_settings_differs_in_nothing(
    logits_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import simplejpeg

    def coarse(data: bytes) -> np.ndarray:
        return simplejpeg.decode_jpeg(data, "BGR", fastdct=True, fastupsample=True)

    monkeypatch.setattr(frame, "decode_jpeg", coarse)
    report = selftest(logits_bundle)
    assert report.differing == (), report.outcomes
