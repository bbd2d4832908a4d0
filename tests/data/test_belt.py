from pathlib import Path

import pytest

from edgeseg.data.belt import write_belt
from edgeseg.data.check import check
from edgeseg.data.dataset import open_dataset
from edgeseg.errors import OutputError
from edgeseg.scene.parts import CLASSES


def test_the_rendered_set_passes_the_check(belt_set: Path) -> None:
    report = check(open_dataset(belt_set))
    assert report.problems == ()
    assert report.labels.names == CLASSES
    assert report.images == {"train": 24, "val": 8}


def test_the_same_seed_writes_the_same_set(tmp_path: Path) -> None:
    prints = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        write_belt(tmp_path / name, {"train": 8}, (48, 64), seed)
        prints.append(open_dataset(tmp_path / name).fingerprint(("train", "val")))
    assert prints[0] == prints[1] != prints[2]


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(OutputError, match="new folder"):
        write_belt(tmp_path, {"train": 1}, (48, 64))
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_an_interrupted_render_leaves_nothing(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_belt(tmp_path / "set", {"train": 8}, (48, 64), on_progress=stop)
    assert list(tmp_path.iterdir()) == []
