"""The models that come with edgeseg are what catalogue, recipe and README say of them."""

from pathlib import Path

import numpy as np
import pytest

from converters.compare import compare_files
from converters.edgetpu.check import check_file
from edgeseg.model_info import read_info
from edgeseg.segmenter import Segmenter
from edgeseg.training.recipe import read_recipe
from edgeseg.zoo import Entry, entries
from edgeseg.zoo.shelf import SHELF

MAX_DROP, MAX_CLASS_DROP = 0.3, 1.5
"""Points of mIoU, and of one class's IoU, that int8 may cost a model of the zoo."""
DATA = {"street": "camvid", "person": "person"}
"""Of a task, in the development data."""
each_model = pytest.mark.parametrize("entry", entries(SHELF), ids=lambda entry: entry.name)


def test_there_is_something_to_see_right_after_installation() -> None:
    assert {name for entry in entries(SHELF) for name in entry.short} == {"street", "person"}


@each_model
def test_it_comes_whole_with_its_recipe_and_its_licence(entry: Entry) -> None:
    assert entry.logits
    assert entry.weights
    settings = read_recipe(entry.recipe)
    assert settings["model"] == entry.info.architecture
    for path in (entry.path, entry.logits, entry.weights):
        info = read_info(path)
        assert info is not None
        assert info.provenance["recipe"].split(",")[0] == entry.recipe  # what options changed stands behind
        assert info.size == settings["size"]
        assert ("research" in info.provenance["licence"]) == ("research" in entry.data.licence)


@each_model
def test_int8_costs_little(entry: Entry) -> None:
    told = entry.info.provenance
    assert told["scheme"] == "int8"
    assert 100 * (told["float_miou"] - told["miou"]) <= MAX_DROP


@each_model
def test_the_edge_tpu_would_run_all_of_its_scores(entry: Entry) -> None:
    assert entry.logits
    report = check_file(entry.logits)
    assert report.mapped == 1.0, report.advice


@each_model
def test_it_segments_a_frame_of_any_size(entry: Entry) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (90, 160, 3)).astype(np.uint8)
    mask = Segmenter(entry.path)(frame)
    assert mask.shape == (90, 160)
    assert mask.max() < entry.info.labels.num_classes


@pytest.mark.slow
@each_model
def test_it_does_what_its_file_says(entry: Entry, shared: Path) -> None:
    assert entry.weights
    data = shared / "data" / DATA[entry.task]
    found = compare_files(entry.weights, entry.path, str(data))
    assert found.second is not None
    assert found.second.scores.miou == pytest.approx(entry.info.provenance["miou"], abs=0.002)
    assert max(found.drops.values()) <= MAX_CLASS_DROP
    assert found.drop is not None
    assert found.drop <= MAX_DROP
