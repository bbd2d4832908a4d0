"""Large and small, light and dark, by keyboard."""

import re
from typing import Any

import pytest

from edgeseg.sinks.sink import Controls

SIZE = (240, 320)


@pytest.fixture
def stage(open_stage: Any) -> Any:
    """A page at 240x320."""
    return open_stage(size=SIZE)


def test_every_control_is_reached_and_moved_by_keyboard(open_stage: Any, show: Any) -> None:
    stage = open_stage(size=SIZE, controls=Controls(recording=False))
    stage.write()
    look = show(stage).seen()
    reached = []
    for _ in range(12):
        look.page.keyboard.press("Tab")
        name = "document.activeElement.getAttribute('aria-label') ?? document.activeElement.labels?.[0]?.innerText"
        reached.append(look.page.evaluate(f"{name} ?? document.activeElement.innerText"))
        if reached[-1] == "nut":
            break
        outline = look.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", reached
    assert reached == ["Mask", "Record", "Full screen", "Snapshot", "Hide all", "washer", "nut"]
    look.page.keyboard.press("Space")
    assert not look.page.get_by_role("switch", name="nut").is_checked()
    look.page.get_by_role("slider", name="Mask").focus()
    look.page.keyboard.press("ArrowRight")
    assert look.page.inner_text("#opacity-value") == "55 %"


@pytest.mark.parametrize("width", [360, 390, 700])
def test_nothing_is_cut_off_on_a_phone(open_stage: Any, show: Any, width: int) -> None:
    stage = open_stage(size=SIZE, controls=Controls(recording=True))
    stage.tell(
        model="a-model-with-quite-a-long-name-that-somebody-chose-int8-256x256.tflite", dropped=1234567,
        recent_fps=412.3, governor="x" * 100, invoke_ms=1234.5,
    )  # fmt: skip
    stage.write()
    look = show(stage, viewport={"width": width, "height": 640}, has_touch=True).seen()
    assert look.page.evaluate("document.documentElement.scrollWidth") == width
    cut = """[...document.querySelectorAll("dd, button, output, .state, .share")].filter(e => e.offsetParent)
      .filter(e => e.getBoundingClientRect().right > innerWidth || e.scrollWidth > e.clientWidth + 1)
      .map(e => e.outerHTML)"""
    assert look.page.evaluate(cut) == []
    assert look.page.locator("#frame").bounding_box()["width"] == width


def test_on_its_side_a_phone_shows_the_whole_picture(stage: Any, show: Any) -> None:
    stage.write()
    look = show(stage, viewport={"width": 740, "height": 360}).seen()
    box = look.page.locator("#frame").bounding_box()
    assert box["height"] <= 360


def test_the_page_follows_the_systems_light_and_dark(stage: Any, show: Any) -> None:
    stage.write()
    shades = {}
    for scheme in ("light", "dark"):
        look = show(stage, color_scheme=scheme).seen()
        colors = look.page.evaluate(
            "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
        )
        shades[scheme] = [sum(map(int, re.findall(r"\d+", color)[:3])) for color in colors]
    assert shades["light"][0] > 600 > 200 > shades["light"][1]
    assert shades["dark"][0] < 100 < 600 < shades["dark"][1]


def test_nothing_glides_for_those_who_asked_for_rest(stage: Any, show: Any) -> None:
    stage.write()
    look = show(stage, reduced_motion="reduce").seen()
    assert look.page.evaluate("getComputedStyle(document.querySelector('.bar i')).transitionDuration") == "0s"
