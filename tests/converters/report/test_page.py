import base64
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html import escape
from pathlib import Path

import cv2
import numpy as np
import pytest

from converters.report.page import write_report
from converters.report.pictures import CHANGED, LOST, WON, strip
from converters.report.result import Result
from edgeseg.compare import WORST, Difference, compare, labelled, unlabelled
from edgeseg.data.dataset import open_dataset
from edgeseg.labels import Labels

Make = Callable[..., Result]
PANELS = ["image", "truth", "source", "result", "difference"]


class Brightness:
    """A model that calls pixels above a threshold class 1."""

    size, channels = (64, 96), 3

    def __init__(self, threshold: int) -> None:
        self._threshold = threshold

    def predict(self, images: np.ndarray) -> np.ndarray:
        return (images.mean(axis=3) > self._threshold).astype(np.uint8)


SOURCE, CONVERTED = Brightness(90), Brightness(110)


@pytest.fixture
def reported(make_result: Make, belt_set: Path, tmp_path: Path) -> Callable[..., tuple[str, Result]]:
    """A function that writes the report on images of the belt, with masks or without, and reads it."""
    data = open_dataset(belt_set)
    assert data.labels is not None

    def make(
        masks: bool = True, labels: Labels = data.labels, part: str = "train", **changes: object
    ) -> tuple[str, Result]:
        pairs = data.split(part)
        samples = labelled(pairs) if masks else unlabelled(pair.image for pair in pairs)
        result = make_result(comparison=compare(SOURCE, CONVERTED, samples, labels), **changes)
        truths = {str(pair.image): pair.mask for pair in pairs} if masks else {}
        write_report(tmp_path / "report", result, SOURCE, CONVERTED, truths, labels)
        return (tmp_path / "report" / "report.html").read_text(encoding="utf-8"), result

    return make


def percent(share: float) -> str:
    return f"{100 * share:.1f}"


def test_the_page_needs_nothing_else(reported: Callable) -> None:
    html, _ = reported()
    assert "://" not in html
    assert "@import" not in html
    assert "url(" not in html
    assert "<script" not in html
    assert "<link" not in html
    links = re.findall(r'(?:src|href|srcset|poster|action)\s*=\s*"([^"]*)"', html)
    assert links
    assert all(link.startswith("data:image/jpeg;base64,") for link in links)


def test_every_figure_of_the_json_stands_on_the_page(reported: Callable, tmp_path: Path) -> None:
    html, result = reported(failures=("it is bad",))
    figures = json.loads((tmp_path / "report" / "report.json").read_text())
    assert Result.from_json(figures) == result
    compared = figures["comparison"]
    for side in ("first", "second"):
        assert f"{percent(compared[side]['miou'])} %" in html
        for each in ("iou", "boundary_iou"):
            for share in compared[side][each].values():
                assert f"<em>{percent(share)}</em>" in html
    for name, drop in compared["drops"].items():
        row = re.search(rf"<tr><th>(?:<i [^>]*></i> )?{name}</th>.*?</tr>", html)
        assert row is not None
        assert f">{-drop:+.2f}<" in row[0]
        assert percent(compared["first"]["iou"][name]) in row[0]
        assert percent(compared["second"]["iou"][name]) in row[0]
    assert f"{compared['drop']:.2f} points" in html
    assert f"{percent(compared['agreement'])} %" in html
    assert f"on {compared['images']} images" in html
    assert "123 kB" in html
    assert "457 kB" in html
    assert "0.47 ×" in html
    assert "24 of 40 images, pixels from 0 to 255" in html
    for text in (*figures["warnings"], *figures["notes"], *figures["failures"], "net", "int8", "decode4_up"):
        assert escape(text) in html
    assert "42.0 % of their spread" in html
    assert "In float: logits." in html


def test_the_verdict_is_that_of_the_gate(reported: Callable) -> None:
    good, bad = reported()[0], reported(failures=("it is bad",))[0]
    assert ">fit for use<" in good
    assert ">not fit for use<" in bad
    assert "<li>it is bad</li>" in bad


@pytest.mark.parametrize("masks", [True, False])
def test_the_ten_worst_images_are_shown_in_panels(reported: Callable, masks: bool) -> None:
    html, result = reported(masks)
    articles = re.findall(r"<article>.*?</article>", html, re.DOTALL)
    assert len(articles) == WORST == len(result.comparison.worst)
    for article, each in zip(articles, result.comparison.worst, strict=True):
        assert Path(each.image).name in article
        assert f"{percent(each.agreement)} % of the pixels" in article
        titles = re.findall(r"<figcaption>(.*?)</figcaption>", article)
        assert titles == [title for title in PANELS if masks or title != "truth"]
        for data in re.findall(r'src="data:image/jpeg;base64,([^"]+)"', article):
            picture = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
            assert picture.shape == (213, 320, 3)
            assert picture.std() > 1


def test_fewer_images_than_ten_are_all_shown(reported: Callable) -> None:
    assert reported(part="val")[0].count("<article>") == 8


def test_without_masks_agreement_by_class_takes_the_place_of_iou(reported: Callable) -> None:
    html, result = reported(masks=False)
    assert "mIoU" not in html
    assert "Boundary" not in html
    for name, share in result.comparison.class_agreement.items():
        assert name in html
        assert f"<em>{percent(share)}</em>" in html


def test_names_are_escaped(reported: Callable) -> None:
    evil = "<b>&\"'"
    html, _ = reported(
        labels=Labels.from_names([evil, "x<script>y", "c", "d", "e"]),
        source=f"{evil}source",
        name=f"{evil}name",
        notes=(f"note {evil}",),
        warnings=(f"warning {evil}",),
        failures=(f"failure {evil}",),
        float_layers=(f"net/{evil}_1/x",),
    )
    assert "<b>&" not in html
    assert "<script" not in html
    assert html.count(escape(evil)) >= 8
    assert "x&lt;script&gt;y" in html


def test_operators_and_layers_are_escaped(reported: Callable, make_result: Make) -> None:
    (layer, _) = make_result().layers
    odd = type(layer)("<b>layer", "<b>Custom", "<b>tensor", 0.4, 0.4, 1.0)
    assert "<b>layer" not in (html := reported(layers=(odd,))[0])
    assert "<b>Custom" not in html


def test_differences_are_coloured_by_who_is_right(tmp_path: Path) -> None:
    """Four bands: both right, only the source, only the result, both wrong but differently."""
    grey = np.repeat(np.array([50, 100, 100, 100], np.uint8), 80)[None].repeat(240, 0)
    truth = np.repeat(np.array([0, 0, 1, 2], np.uint8), 80)[None].repeat(240, 0)
    cv2.imwrite(str(tmp_path / "x.png"), np.dstack([grey] * 3))
    cv2.imwrite(str(tmp_path / "m.png"), truth)
    labels = Labels.numbered(3)
    worst = Difference(str(tmp_path / "x.png"), 0.25, 0.25, 0.25)
    low, high = Brightness(120), Brightness(80)  # the source says 0 everywhere, the result 1 but on the left
    found = strip(worst, tmp_path / "m.png", low, high, labels)
    assert [title for title, _ in found.panels] == PANELS
    data = base64.b64decode(found.panels[-1][1].split(",")[1])
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).astype(int)
    for column, color in ((120, LOST), (200, WON), (280, CHANGED)):
        assert np.abs(picture[120, column] - color).max() < 25
    assert np.ptp(picture[120, 40]) < 10  # grey: nothing differs
    assert "25.0 % of the pixels went wrong, 25.0 % came right" in found.words
    blind = strip(worst, None, low, high, labels)
    assert "went wrong" not in blind.words


@pytest.mark.slow
def test_a_browser_shows_it_without_complaint(reported: Callable, tmp_path: Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("needs Chromium, to render the page")
    reported(failures=("it is bad",))
    page, shot = tmp_path / "report" / "report.html", tmp_path / "shot.png"
    common = [chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    drawn = subprocess.run(
        [*common, "--enable-logging=stderr", "--window-size=1100,3000", f"--screenshot={shot}", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert shot.is_file(), drawn.stderr
    complaints = [line for line in drawn.stderr.splitlines() if "CONSOLE" in line or "net::ERR_" in line]
    assert complaints == []
    picture = cv2.imread(str(shot))
    assert picture.std() > 10
    for color in ((44, 44, 214), (180, 119, 31)):  # the bars and the difference are there
        assert (np.abs(picture.astype(int) - color).max(axis=2) < 12).sum() > 100
    dump = [*common, "--virtual-time-budget=2000", "--dump-dom", page.as_uri()]
    dom = subprocess.run(dump, capture_output=True, text=True, timeout=120).stdout
    assert dom.count("<figure>") == 5 * WORST
    assert "IoU by class" in dom
