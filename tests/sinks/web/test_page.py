"""The page in a real browser: picture, classes, figures and buttons."""

import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edgeseg.images import resize_mask
from edgeseg.scene.parts import CLASSES, COLORS
from edgeseg.sinks.sink import Controls

SIZE = (240, 320)
NUT = CLASSES.index("nut")


@pytest.fixture
def stage(open_stage: Any) -> Any:
    """A page at 240x320."""
    return open_stage(size=SIZE)


def test_frames_move_on(stage: Any, show: Any) -> None:
    stage.play()
    look = show(stage).seen()
    first = look.pixels()
    assert first.shape == (*SIZE, 3)
    stage.until(lambda: not np.array_equal(first, look.pixels()))


def test_the_picture_agrees_with_the_frame_and_its_mask(stage: Any, show: Any) -> None:
    segmented = stage.write()
    look = show(stage).seen()
    look.set_opacity(0)
    picture = segmented.frame.image[:, :, ::-1]
    assert np.abs(look.pixels().astype(int) - picture).mean() < 6
    look.set_opacity(100)
    nuts = cv2.erode(np.uint8(resize_mask(segmented.label_map, SIZE) == NUT), np.ones((5, 5)))
    assert nuts.sum() > 100
    assert (look.pixels()[nuts > 0] == COLORS[NUT]).all()
    belt = cv2.erode(np.uint8(resize_mask(segmented.label_map, SIZE) == 0), np.ones((9, 9)))
    assert np.abs(look.pixels().astype(int) - picture)[belt > 0].mean() < 6


def test_a_class_is_switched_off_and_on(stage: Any, show: Any) -> None:
    segmented = stage.write()
    other = int(np.argmax([0, 1, 0, 1, 1] * segmented.areas[:5]))
    look = show(stage).seen()
    look.set_opacity(100)
    before = look.painted(NUT)
    assert before > 100
    switch = look.page.get_by_role("switch", name="nut")
    switch.click()
    assert look.painted(NUT) == 0
    assert look.painted(other) > 100
    switch.click()
    assert look.painted(NUT) == before
    look.page.get_by_role("button", name="Hide all").click()
    assert look.painted(other) == 0
    look.page.get_by_role("button", name="Show all").click()
    assert look.painted(NUT) == before


def test_areas_are_those_of_the_mask(stage: Any, show: Any) -> None:
    segmented = stage.write()
    look = show(stage).seen()
    look.wait("!!document.querySelector('.share').textContent")
    texts = look.page.evaluate("[...document.querySelectorAll('.name, .share')].map(e => e.textContent)")
    areas = {name: f"{100 * segmented.areas[i]:.1f} %" for i, name in enumerate(CLASSES)}
    assert dict(zip(texts[::2], texts[1::2], strict=True)) == areas
    assert look.page.get_by_role("switch", name="belt").count() == 0  # black: there is nothing to switch


def test_the_loops_figures_stand_beside_the_picture(stage: Any, show: Any) -> None:
    stage.tell(
        flicker=0.021, flicker_smoothed=0.006, margin=0.4, governor="85 °C: every second frame",
        outputs={"mqtt://broker/x": "no answer", "out.mp4": ""}, bad=2,
    )  # fmt: skip
    stage.play()  # a single frame may be stale before a slow browser shows it, and then has no age
    look = show(stage).seen()
    assert look.page.inner_text("#model") == "belt.tflite"
    assert look.page.inner_text("#miou") == "int8 mIoU 0.873"
    look.wait(r"/Frame age\s+[\d.]+\s+m?s/.test(figures.innerText)")
    figures = look.page.inner_text("#figures").replace("\u202f", " ")
    assert re.search(r"Frames/s\s+20\.0\s+Invoke\s+2\.50 ms", figures)
    assert re.search(r"Dropped\s+3 2\.9 %", figures)
    details = look.page.inner_text("#details")
    for text in ("2.10 % → 0.60 %", "40.0 %", "52 °C", "Unreadable frames"):
        assert text in details
    assert look.page.locator(".notes li").all_inner_texts() == [
        "85 °C: every second frame",
        "mqtt://broker/x: no answer",
    ]
    assert look.page.get_by_role("switch", name="Record").count() == 0
    stage.tell(flicker=None, flicker_smoothed=None, margin=None, temperature_c=None, governor="", outputs={}, bad=0)
    look.wait("details.children.length === 0 && notes.children.length === 0")


def test_the_page_names_the_model_that_is_at_work_now(stage: Any, show: Any) -> None:
    stage.play()
    look = show(stage).seen()
    assert look.page.inner_text("#miou") == "int8 mIoU 0.873"
    stage.tell(model="fallback.tflite", scheme="float32", miou=0.8)
    look.wait("model.textContent === 'fallback.tflite' && miou.textContent === 'float32 mIoU 0.800'")
    stage.tell(miou=None)
    look.wait("miou.hidden")


def test_a_snapshot_saves_the_picture_and_its_mask_under_one_name(stage: Any, show: Any, tmp_path: Path) -> None:
    segmented = stage.write(jpeg=True)
    look = show(stage).seen()
    downloads: list[Any] = []
    look.page.on("download", lambda download: downloads.append(download))
    look.page.get_by_role("button", name="Snapshot").click()
    look.wait("said.textContent.startsWith('Saved')")
    stage.until(lambda: look.page.wait_for_timeout(20) is None and len(downloads) == 2)
    files = {}
    for download in downloads:
        download.save_as(tmp_path / download.suggested_filename)
        files[Path(download.suggested_filename).suffix] = tmp_path / download.suggested_filename
    assert files[".jpg"].stem == files[".png"].stem
    assert files[".jpg"].read_bytes() == segmented.frame.jpeg
    mask = cv2.imread(str(files[".png"]), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(mask, resize_mask(segmented.label_map, SIZE))


def test_recording_is_switched(open_stage: Any, show: Any) -> None:
    stage = open_stage(size=SIZE, controls=Controls(recording=False))
    stage.write()
    look = show(stage).seen()
    switch = look.page.get_by_role("switch", name="Record")
    switch.click()
    stage.until(lambda: stage.controls.recording is True)
    stage.controls.recording = False  # another page, or a full disk
    look.wait("!record.checked")


def test_what_is_pressed_is_what_is_done_whatever_another_page_did_before(open_stage: Any, show: Any) -> None:
    stage = open_stage(size=SIZE, controls=Controls(recording=False))
    stage.write()
    look = show(stage).seen()
    # At once, so that the page does not yet know that somebody else has switched it on.
    look.page.route("**/record*", lambda route: (setattr(stage.controls, "recording", True), route.continue_()))
    with look.page.expect_response("**/record*") as answer:
        look.page.get_by_role("switch", name="Record").click()
    assert answer.value.json() == {"recording": True}
    assert stage.controls.recording is True


def test_a_frame_of_another_size_changes_the_pictures_shape(stage: Any, show: Any) -> None:
    stage.write()
    look = show(stage).seen()
    before = look.page.locator("#frame").bounding_box()
    stage.write(size=(96, 256))
    look.wait("picture.width === 256 && picture.height === 96")
    after = look.page.locator("#frame").bounding_box()
    assert before["width"] / before["height"] == pytest.approx(320 / 240, abs=0.02)
    assert after["width"] / after["height"] == pytest.approx(256 / 96, abs=0.02)
