import numpy as np

from edgeseg.labels import Labels
from edgeseg.overlay import Overlay, draw_legend

LABELS = Labels.from_names(["background", "thing", "void"], [(0, 0, 0), (250, 0, 0), (9, 9, 9)])


def test_classes_are_tinted_and_background_and_ignored_stay() -> None:
    frame = np.full((40, 60, 3), 100, np.uint8)
    label_map = np.array([[0, 1, 2]], np.uint8)
    picture = Overlay(LABELS, opacity=0.5, legend=False)(frame, label_map)
    assert tuple(picture[20, 5]) == (100, 100, 100)
    assert tuple(picture[20, 55]) == (100, 100, 100)
    assert np.allclose(picture[20, 30], (50, 50, 175), atol=5)  # BGR
    assert frame.min() == frame.max() == 100


def test_a_new_picture_each_time_and_any_frame_size() -> None:
    overlay = Overlay(LABELS)
    one = overlay(np.zeros((48, 64, 3), np.uint8), np.ones((4, 4), np.uint8))
    kept = one.copy()
    other = overlay(np.full((96, 128, 3), 255, np.uint8), np.zeros((4, 4), np.uint8))
    assert np.array_equal(one, kept)
    assert other.shape == (96, 128, 3)


def test_the_legend_names_the_coloured_classes_and_fits_any_frame() -> None:
    legend = draw_legend(LABELS, 480)
    assert (legend == (0, 0, 250)).all(axis=2).any()
    many = Labels.from_names([f"class number {i}" for i in range(40)])
    assert Overlay(many)(np.zeros((32, 32, 3), np.uint8), np.zeros((4, 4), np.uint8)).shape == (32, 32, 3)
