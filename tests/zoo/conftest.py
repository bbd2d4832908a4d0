"""A shelf of stand-ins: real models of the belt, under names of their own."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

CATALOGUE = """
version = 1

[data.belt]
title = "The belt"
licence = "for tests only"
source = "https://example.org/belt"
note = "It is rendered, and nobody's."

[models.belt-small]
short = ["belt"]
title = "parts on a belt"
task = "belt"
data = "belt"
trained_on = ["train"]
recipe = "belt-small"

[models.belt-nano]
title = "the same, seen too often"
task = "belt"
data = "belt"
trained_on = ["train", "val"]
val_miou = 0.5
recipe = "belt-nano"

[models.belt-medium]
title = "not there yet"
task = "belt"
data = "belt"
trained_on = ["train"]
recipe = "belt-medium"
"""


@pytest.fixture(scope="session")
def shelf(models: Callable[[str, str], Path], run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """belt-small with all its files, belt-nano with one alone, belt-medium with none."""
    folder = tmp_path_factory.mktemp("zoo") / "shelf"
    folder.mkdir()
    (folder / "zoo.toml").write_text(CATALOGUE)
    shutil.copy(models("int8", "labels"), folder / "belt-small.tflite")
    shutil.copy(models("int8", "logits"), folder / "belt-small-logits.tflite")
    shutil.copy(run_folder / "best.keras", folder / "belt-small.keras")
    shutil.copy(models("int8", "labels"), folder / "belt-nano.tflite")
    return folder
