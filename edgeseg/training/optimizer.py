"""The optimizer of a training, with its schedule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgeseg.training.backend import keras
from edgeseg.training.run import TrainConfig

ENCODER = ("stem", "stage")
"""How the names of its layers begin."""


def make_optimizer(config: TrainConfig, steps_per_epoch: int) -> Any:
    """AdamW with warm-up and cosine, decay on kernels alone, clipping, averaged weights.

    Loshchilov & Hutter, "Decoupled Weight Decay Regularization" (2019).
    """
    total = config.epochs * steps_per_epoch
    warmup = max(1, min(config.warmup_steps, total // 10))
    schedule = keras.optimizers.schedules.CosineDecay(
        config.learning_rate / 100, max(1, total - warmup), warmup_target=config.learning_rate, warmup_steps=warmup
    )
    memory = max(1, min(config.ema_steps, total // 10))
    optimizer = SlowEncoderAdamW(
        config.encoder_rate,
        schedule,
        weight_decay=config.weight_decay,
        global_clipnorm=config.clip_norm,
        use_ema=True,
        ema_momentum=1 - 1 / (memory + 1),
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias", "range"])
    return optimizer


class SlowEncoderAdamW(keras.optimizers.AdamW):  # type: ignore[misc]
    """AdamW that moves an encoder trained before more slowly than the rest, and averages few steps at first."""

    def __init__(self, encoder_rate: float, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._encoder_rate = encoder_rate

    def build(self, variables: Sequence[Any]) -> None:
        """Note which of them are the encoder's; later they come without their names."""
        self._share = [self._encoder_rate if each.path.startswith(ENCODER) else 1.0 for each in variables]
        super().build(variables)

    def _backend_update_step(self, gradients: Sequence[Any], variables: Sequence[Any], learning_rate: Any) -> None:
        """Keras hands all variables over at once: here, those of one share after those of another."""
        for share in dict.fromkeys(self._share):
            chosen = [i for i, each in enumerate(variables) if self._share_of(each) == share]
            some = [gradients[i] for i in chosen], [variables[i] for i in chosen]
            super()._backend_update_step(*some, learning_rate * share)

    def _apply_weight_decay(self, variables: Sequence[Any]) -> None:
        """Decay goes at the rate of learning."""
        for each in variables:
            if self._use_weight_decay(each):
                rate = keras.ops.cast(self.learning_rate * self._share_of(each), each.dtype)
                each.assign(each - each * rate * keras.ops.cast(self.weight_decay, each.dtype))

    def _update_model_variables_moving_average(self, trainable_variables: Sequence[Any]) -> None:
        """Average over about a ninth of the steps so far at most: else weights of the start weigh for long.

        As tf.train.ExponentialMovingAverage does where it is told of the steps.
        """
        steps = keras.ops.cast(self.iterations, "float32")
        momentum = keras.ops.minimum(self.ema_momentum, steps / (steps + 9))
        for variable, average in zip(trainable_variables, self._model_variables_moving_average, strict=True):
            share = keras.ops.cast(momentum, average.dtype)
            average.assign(share * average + (1 - share) * variable)

    def _share_of(self, variable: Any) -> float:
        return float(self._share[self._get_variable_index(variable)])
