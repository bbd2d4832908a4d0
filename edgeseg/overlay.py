"""Class colours over a picture, with a legend."""

from __future__ import annotations

import cv2
import numpy as np

from edgeseg.images import Image, Mask
from edgeseg.labels import Labels


class Overlay:
    """Blends masks over frames; keeps its buffers from call to call.

    Colours are applied at the size of the label map and then stretched, which costs a
    fraction of painting at the frame's size. Black classes (background, ignored) leave the
    picture as it is.
    """

    def __init__(self, labels: Labels, opacity: float = 0.5, legend: bool = True) -> None:
        self._opacity = opacity
        colors = labels.palette()[:, ::-1]
        # No channel of a tinted class is 0, so that its colour is its own mask.
        table = np.where(colors.any(axis=1, keepdims=True), np.maximum(colors, 1), 0)
        # As one number a class: four channels are stretched several times as fast as three.
        self._colors = np.pad(table, ((0, 0), (0, 1))).astype(np.uint8).view(np.uint32).ravel()
        self._labels = labels if legend else None
        self._legend: Image | None = None
        self._color = self._stretched = np.empty((0, 0, 0), np.uint8)
        self._small = np.empty((0, 0), np.uint32)

    def __call__(self, frame: Image, label_map: Mask) -> Image:
        """BGR frame HxWx3 and class ids of any size: a new BGR picture HxWx3."""
        height, width = frame.shape[:2]
        if self._color.shape != frame.shape:
            self._color, self._stretched = np.empty_like(frame), np.empty((height, width, 4), np.uint8)
            self._legend = draw_legend(self._labels, height) if self._labels else None
        if self._small.shape != label_map.shape:
            self._small = np.empty(label_map.shape, np.uint32)
        np.take(self._colors, label_map, mode="wrap", out=self._small)  # never wraps, and is the fastest mode
        painted: Image = self._small.view(np.uint8).reshape(*label_map.shape, 4)
        if label_map.shape != (height, width):
            cv2.resize(painted, (width, height), dst=self._stretched, interpolation=cv2.INTER_NEAREST_EXACT)
            painted = self._stretched
        cv2.cvtColor(painted, cv2.COLOR_BGRA2BGR, dst=self._color)
        picture = frame.copy()
        cv2.copyTo(self._color, self._color, picture)
        cv2.addWeighted(frame, 1 - self._opacity, picture, self._opacity, 0, dst=picture)
        if self._legend is not None:
            rows, columns = min(height, self._legend.shape[0]), min(width, self._legend.shape[1])
            corner = picture[:rows, :columns]
            cv2.addWeighted(corner, 0.35, self._legend[:rows, :columns], 0.65, 0, dst=corner)
        return picture


def draw_legend(labels: Labels, frame_height: int) -> Image:
    """A BGR strip with a swatch and the name of each class that has a colour."""
    shown = [i for i in labels.counted if any(labels.colors[i])]
    line = max(12, min(frame_height // 20, frame_height // max(1, len(shown))))
    scale, font = line / 34, cv2.FONT_HERSHEY_SIMPLEX
    widths = [cv2.getTextSize(labels.names[i], font, scale, 1)[0][0] for i in shown]
    strip = np.zeros((line * len(shown) + line // 2, max(widths, default=0) + 2 * line, 3), np.uint8)
    for row, class_id in enumerate(shown):
        top = row * line + line // 4
        red, green, blue = labels.colors[class_id]
        swatch = (line // 4, top + line // 6), (line, top + line - line // 6)
        cv2.rectangle(strip, *swatch, (blue, green, red), cv2.FILLED)
        where = (line + line // 3, top + round(line * 0.75))
        cv2.putText(strip, labels.names[class_id], where, font, scale, (255, 255, 255), 1, cv2.LINE_AA)
    return strip
