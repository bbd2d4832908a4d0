"""A network that is as good as another in float32, and collapses in plain int8."""

from __future__ import annotations

from typing import Any

import numpy as np

HOSTILE = ("decode4_up", "decode4_lateral_norm")
"""The two layers whose outputs int8 cannot hold; `decode4_add` puts them together again.

Kept in float with that sum (three operators: TRANSPOSE_CONV, CONV_2D, ADD), the rest stands int8 as well as before.
"""
OFFSET = 300.0


def collapse(model: Any, offset: float = OFFSET) -> Any:
    """A copy of a `nano` or `small` network with opposite offsets in the two branches of its last sum.

    Each channel of the transposed convolution `decode4_up` gets +-`offset` (its bias), and the same channel of the
    projection `decode4_lateral` loses it (the beta of its batch norm), so that the sum is what it was but for float32
    rounding of about offset * 1e-7. In int8 each branch has a step of 2 * `offset` / 255 instead of a few hundredths.
    """
    import keras

    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    up, norm = (copy.get_layer(name) for name in HOSTILE)
    shift = offset * np.random.default_rng(0).choice([-1.0, 1.0], up.bias.shape)
    up.bias.assign(keras.ops.convert_to_numpy(up.bias) + shift)
    norm.beta.assign(keras.ops.convert_to_numpy(norm.beta) - shift)
    return copy
