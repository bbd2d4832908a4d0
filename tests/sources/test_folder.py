"""A folder of images as a source."""

from pathlib import Path

import pytest

from edgeseg.errors import SourceError
from edgeseg.sources import open_source


def test_a_folder_is_read_in_order_of_names(pictures: Path) -> None:
    assert [frame.name for frame in open_source(str(pictures)).frames() if frame] == ["a", "b", "c"]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no images"):
        open_source(str(tmp_path))
