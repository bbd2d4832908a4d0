import threading
import time

import numpy as np
import pytest

from edgeseg.errors import UsageError
from edgeseg.live.models import open_model
from edgeseg.stub import StubInterpreter, parse


@pytest.fixture
def frame() -> np.ndarray:
    """BGR, with green rising from left to right."""
    frame = np.zeros((120, 160, 3), np.uint8)
    frame[:, :, 1] = np.linspace(0, 255, 160).astype(np.uint8)
    return frame


@pytest.mark.parametrize("output", ["labels", "logits"])
def test_masks_follow_the_green_of_the_picture(frame: np.ndarray, output: str) -> None:
    model = open_model(f"stub:?invoke_ms=0&size=64x96&classes=4&output={output}")
    assert model.output == output
    mask = model(frame)
    assert mask.shape == (120, 160)
    assert [int(mask[60, x]) for x in (5, 60, 100, 155)] == [0, 1, 2, 3]


def test_an_inference_takes_its_time_and_leaves_the_core_idle() -> None:
    stub = StubInterpreter(invoke_ms=200)
    began, worked = time.perf_counter(), time.process_time()
    stub.invoke()
    assert time.perf_counter() - began >= 0.2
    assert time.process_time() - worked < 0.1


def test_it_hangs_at_the_inference_that_was_named() -> None:
    stub = parse("stub:?invoke_ms=0&hang_at=3")
    stub.invoke()
    stub.invoke()
    third = threading.Thread(target=stub.invoke, daemon=True)
    third.start()
    third.join(0.3)
    assert third.is_alive()


def test_without_options_it_is_a_model_of_256x256() -> None:
    assert open_model("stub:").size == (256, 256)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stub:?speed=9", "no option 'speed'; it knows invoke_ms, size, classes, output, hang_at"),
        ("stub:?size=big", "write it like stub:?invoke_ms=10&size=256x256"),
        ("stub:?output=heat", "it has labels or logits"),
        ("stub:?classes=1", "2 to 255 classes"),
        ("stub:?invoke_ms=-1", "nothing below zero"),
        ("stub:?hang_at=-2", "nothing below zero"),
    ],
)
def test_what_no_model_has_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match="stub") as refusal:
        parse(text)
    assert said in str(refusal.value)
