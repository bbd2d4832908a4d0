"""Batches for Keras: decoded once, augmented anew each epoch, in threads beside the step.

What an epoch shows depends on (seed, epoch) alone, not on threads or on where a run was
resumed. OpenCV releases the GIL, so threads suffice.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeseg.data.dataset import Pair, read_mask
from edgeseg.images import Image, Mask, read_frame, resize, to_channels
from edgeseg.labels import IGNORE_ID, Labels
from edgeseg.training.augment import view
from edgeseg.training.backend import keras
from edgeseg.training.distribution import own_rows
from edgeseg.training.run import TrainConfig

CACHE_BYTES = 2 << 30
"""Decoded images are kept up to this much memory; the rest are read again each epoch."""


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """One epoch at a time: images (N, *size, channels) float32 in [0, 255] and labels (N, h, w) int32.

    The last batch is filled up from the start of the epoch's order, so that all have one shape.
    One of several processes gets its own rows of each batch, as if all had been drawn.
    """

    def __init__(
        self,
        pairs: Sequence[Pair],
        labels: Labels,
        config: TrainConfig,
        rare: Sequence[int] = (),
    ) -> None:
        """`rare` are the classes that `config.augmentation.paste` is about."""
        super().__init__(workers=max(2, min(8, os.cpu_count() or 2)), max_queue_size=8)
        self._pairs = pairs
        self._size, self._channels = config.size, config.channels
        self._mask_size = (config.size[0] // config.loss_stride, config.size[1] // config.loss_stride)
        self._batch, self._rows = config.batch, own_rows(config.batch)
        self._augmentation = config.augmentation
        self._seed = config.seed
        self._rare = list(rare)
        self._epoch = 0
        self._ids = np.full(256, IGNORE_ID, np.uint8)
        self._ids[list(labels.counted)] = labels.counted
        self._cache: dict[int, tuple[Image, Mask]] = {}
        self._cached_bytes = 0

    def __len__(self) -> int:
        return -(-len(self._pairs) // self._batch)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        order = np.random.default_rng((self._seed, self._epoch)).permutation(len(self._pairs))
        chosen = order[np.arange(index * self._batch, (index + 1) * self._batch) % len(order)]
        images = np.empty((len(self._rows), *self._size, self._channels), np.float32)
        labels = np.empty((len(self._rows), *self._mask_size), np.int32)
        for slot, row in enumerate(self._rows):
            rng = np.random.default_rng((self._seed, self._epoch, index, row))
            images[slot], labels[slot] = self._draw(int(chosen[row]), rng)
        return images, labels

    def _draw(self, number: int, rng: np.random.Generator) -> tuple[Image, Mask]:
        """A view of one image; now and then with the rare things of another in front."""
        picture, mask = self._view(number, rng)
        if rng.random() < self._augmentation.paste:
            other, other_mask = self._view(int(rng.integers(len(self._pairs))), rng)
            there = np.isin(other_mask, self._rare)
            mask[there] = other_mask[there]
            shown = cv2.resize(there.astype(np.uint8), self._size[::-1], interpolation=cv2.INTER_NEAREST) > 0
            picture[shown] = other[shown]
        return picture, mask

    def _view(self, number: int, rng: np.random.Generator) -> tuple[Image, Mask]:
        return view(*self._load(number), self._size, self._mask_size, rng, self._augmentation)

    def start_at(self, epoch: int) -> None:
        """Continue a run that has `epoch` epochs behind it."""
        self._epoch = epoch

    def on_epoch_end(self) -> None:
        """Keras calls this between epochs: the next one draws a new order and new views."""
        self._epoch += 1

    def _load(self, number: int) -> tuple[Image, Mask]:
        if number in self._cache:
            return self._cache[number]
        pair = self._pairs[number]
        image = to_channels(read_frame(pair.image), self._channels)
        mask = self._ids[read_mask(pair.mask)]
        # More than twice the model's detail would only be thrown away, with aliasing.
        if min(image.shape[0] / self._size[0], image.shape[1] / self._size[1]) > 2:
            image = resize(image, (2 * self._size[0], 2 * self._size[1]))
        loaded = (image, mask)
        size = image.nbytes + mask.nbytes
        if self._cached_bytes + size <= CACHE_BYTES:
            self._cache[number] = loaded
            self._cached_bytes += size
        return loaded
