"""What the page shows when things go wrong, and when they are well again."""

import re
from typing import Any

import pytest

SIZE = (240, 320)
NOTE_FIRST = """new MutationObserver(() => window.first ??= document.getElementById("badge-age").textContent)
  .observe(document.getElementById("badge-age"), { childList: true })"""
"""Keep what the badge says when it appears."""


@pytest.fixture
def stage(open_stage: Any) -> Any:
    """A page at 240x320."""
    return open_stage(size=SIZE)


def test_before_the_first_frame_the_page_says_what_it_waits_for(stage: Any, show: Any) -> None:
    stage.tell(source="no such device, trying again in 2 s")
    look = show(stage)
    look.wait("waiting.textContent.includes('no such device')")
    assert look.page.inner_text("#waiting").startswith("Waiting for the first frame.")
    assert look.page.get_by_role("button", name="Snapshot").is_disabled()
    stage.write()
    look.seen()


def test_stale_is_shown_when_frames_stop_and_goes_when_they_come(stage: Any, show: Any) -> None:
    stage.play()
    look = show(stage).seen()
    assert look.page.locator("#badge").is_hidden()
    look.page.evaluate(NOTE_FIRST)
    stage.stop()
    stage.tell(source="lost, trying again in 4 s")
    look.page.wait_for_selector("#badge:visible")
    assert look.page.evaluate("first") == "1 s"
    assert re.fullmatch(r"STALE \d+ s\s+Source: lost, trying again in 4 s", look.page.inner_text("#badge"))
    assert "grayscale" in look.page.evaluate("getComputedStyle(picture).filter")
    assert look.page.inner_text("#announce").startswith("Stale.")
    assert look.page.title().startswith("STALE")
    stage.tell(source="")
    stage.play()
    look.page.wait_for_selector("#badge:visible", state="detached")
    assert look.page.title() == "belt.tflite – edgeseg"


def test_stale_is_shown_when_the_loop_is_gone_and_the_page_finds_the_next_one(open_stage: Any, show: Any) -> None:
    first = open_stage(size=SIZE)
    first.play()
    look = show(first).seen()
    first.stop()
    first.sink.close(True)
    look.page.wait_for_selector("#badge:visible")
    assert "The loop has ended" in look.page.inner_text("#badge")
    second = open_stage(size=SIZE, uri=f"http://127.0.0.1:{first.sink.port}")
    second.play()
    look.page.wait_for_selector('#state[data-state="live"]', timeout=15000)


def test_the_link_with_the_token_opens_the_page_and_leaves_the_address(open_stage: Any, show: Any) -> None:
    stage = open_stage(size=SIZE, token="s3cret ü")
    stage.write()
    link = stage.said[0].removeprefix("page: ")
    look = show(stage, link[link.index("/?") :])
    look.page.wait_for_url(f"http://127.0.0.1:{stage.sink.port}/")
    look.seen()


def test_a_page_in_the_background_costs_nothing(stage: Any, show: Any) -> None:
    stage.play()
    look = show(stage).seen()
    turn = "hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true}); "
    turn += "document.dispatchEvent(new Event('visibilitychange')); }"
    look.page.evaluate(turn, True)
    stage.until(lambda: stage.viewers == 0)
    look.page.evaluate(turn, False)
    stage.until(lambda: stage.viewers == 1)
