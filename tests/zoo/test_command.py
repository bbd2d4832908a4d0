"""`edgeseg zoo` and `edgeseg zoo table`, as a user types them."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from converters.edgetpu.check import check_file
from converters.tflite.macs import macs_by_type
from converters.tflite.operators import operators
from edgeseg.bench.projection import project
from edgeseg.evaluate import evaluate_file
from edgeseg.zoo.shelf import CATALOGUE

PROJECTED = ("rpi5", "rpi4", "rpi-zero2w")


def test_the_list_fits_into_80_columns_and_says_the_licence(edgeseg: Callable, shelf: Path) -> None:
    result = edgeseg("zoo", EDGESEG_ZOO=str(shelf))
    assert result.returncode == 0, result.stderr
    assert max(map(len, result.stdout.splitlines())) <= 80
    (row,) = [line for line in result.stdout.splitlines() if line.startswith("belt-small  ")]
    kilobytes = round((shelf / "belt-small.tflite").stat().st_size / 1000)
    assert re.fullmatch(rf"belt-small +5 +64x96 +{kilobytes} +[\d.]+ %  The belt, for tests only", row)
    assert "belt is short for belt-small" in " ".join(result.stdout.split())
    assert "It is rendered, and nobody's. See https://example.org/belt" in result.stdout
    assert "belt-medium" not in result.stdout


def test_the_list_does_not_pass_off_what_was_trained_on(edgeseg: Callable, shelf: Path) -> None:
    shown = edgeseg("zoo", EDGESEG_ZOO=str(shelf)).stdout
    (row,) = [line for line in shown.splitlines() if line.startswith("belt-nano  ")]
    assert "50.0 %" in row  # the catalogue's, of a network that had not seen the val part


def test_json_lists_what_is_offered(edgeseg: Callable, shelf: Path) -> None:
    found = json.loads(edgeseg("zoo", "--json", EDGESEG_ZOO=str(shelf)).stdout)
    assert [each["name"] for each in found] == ["belt-small", "belt-nano"]
    assert found[0]["weights"] == str(shelf / "belt-small.keras")
    assert found[1]["weights"] is None
    assert 0 < found[0]["provenance"]["miou"] < 1


def test_an_empty_zoo_says_so(edgeseg: Callable, refused: Callable, shelf: Path, tmp_path: Path) -> None:
    (tmp_path / CATALOGUE).write_text((shelf / CATALOGUE).read_text())
    assert "no models" in edgeseg("zoo", EDGESEG_ZOO=str(tmp_path)).stdout
    assert "nothing to measure" in refused(edgeseg("zoo", "table", EDGESEG_ZOO=str(tmp_path)), 2)
    assert "the zoo is empty" in refused(edgeseg("live", "belt", EDGESEG_ZOO=str(tmp_path)), 2)


@pytest.mark.slow
def test_the_table_holds_what_the_other_commands_find(
    edgeseg: Callable, shelf: Path, belt_set: Path, tmp_path: Path
) -> None:
    out = tmp_path / "zoo.md"
    arguments = ("zoo", "table", "--data", f"belt={belt_set}", "--seconds", 0.2, "-o", out, "--json")
    result = edgeseg(*arguments, EDGESEG_ZOO=str(shelf))
    assert result.returncode == 0, result.stderr
    small, nano = json.loads(result.stdout)
    before = evaluate_file(shelf / "belt-small.keras", belt_set)
    after = evaluate_file(shelf / "belt-small.tflite", belt_set)
    drops = {name: 100 * (iou - after.scores.iou[name]) for name, iou in before.scores.iou.items()}
    quality = small["quality"]
    assert quality["float_miou"] == pytest.approx(before.scores.miou)
    assert quality["miou"] == nano["quality"]["miou"] == pytest.approx(after.scores.miou)
    assert quality["iou"] == pytest.approx(after.scores.iou)
    assert quality["drops"] == pytest.approx(drops)
    assert quality["worst_class"] == max(drops, key=drops.__getitem__)
    assert (quality["images"], quality["seen"], nano["quality"]["seen"]) == (8, False, True)
    assert small["edgetpu_mapped"] == check_file(shelf / "belt-small-logits.tflite").mapped
    assert small["macs"] == macs_by_type(operators((shelf / "belt-small.tflite").read_bytes()))
    assert 100_000 < small["parameters"] < 300_000
    assert [each["board"] for each in small["boards"]] == list(PROJECTED)
    assert small["boards"] == json.loads(json.dumps([e.to_json() for e in project(small["macs"]) if e.ms]))
    assert (nano["parameters"], nano["edgetpu_mapped"]) == (None, None)
    assert (nano["quality"]["float_miou"], nano["quality"]["worst_class"]) == (None, None)
    text = out.read_text()
    assert max(map(len, text.splitlines())) <= 80
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    cells = {row[0]: [cell for other in rows if other[0] == row[0] for cell in other[1:]] for row in rows}
    assert {len(each) for name, each in cells.items() if name.startswith("belt")} == {16}
    assert f"{100 * after.scores.miou:.1f} %" in cells["belt-small"]
    assert f"{quality['worst_class']} {-max(drops.values()):+.2f}" in cells["belt-small"]
    assert cells["belt-nano"].count("–") == 4  # parameters, mapped share, float mIoU, worst class
    said = " ".join(text.split())
    assert small["speed"]["machine"] in said
    assert "on 8 images of set (val)" in said
    assert "belt-nano: was trained on the images it is scored on here; the same recipe, trained without them" in said
    assert all(each["basis"] in said for each in small["boards"])
    assert said.count("not tried on hardware") == sum(not each["tried"] for each in small["boards"])


def test_without_data_nothing_is_made_up(edgeseg: Callable, shelf: Path) -> None:
    result = edgeseg("zoo", "table", "--seconds", 0.1, "--threads", 1, EDGESEG_ZOO=str(shelf))
    assert result.returncode == 0, result.stderr
    rows = [line for line in result.stdout.splitlines() if line.startswith("| belt-small")]
    assert [cell.strip() for cell in rows[1].split("|")[2:7]] == ["–", "–", "–", "train", "–"]
    assert "belt: mIoU not measured" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data", "belt"], "street=data/camvid"),
        (["--data", "sand={set}"], "no model of the zoo has the task 'sand'; there are belt"),
        (["--data", "belt={tmp}/absent"], "is not a folder"),
        (["--data", "belt={set}", "--split", "test"], "it has train, val"),
        (["-o", "{tmp}/file/zoo.md"], "another place"),
        (["--threads", "0"], "x>=1"),
    ],
)
def test_what_cannot_be_measured_is_refused_at_once(
    edgeseg: Callable, refused: Callable, shelf: Path, belt_set: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    (tmp_path / "file").touch()
    given = [each.format(set=belt_set, tmp=tmp_path) for each in arguments]
    assert said in refused(edgeseg("zoo", "table", *given, EDGESEG_ZOO=str(shelf)))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_json_before_the_table_is_pointed_out(edgeseg: Callable, refused: Callable, shelf: Path) -> None:
    assert "edgeseg zoo table --json" in refused(edgeseg("zoo", "--json", "table", EDGESEG_ZOO=str(shelf)), 2)
