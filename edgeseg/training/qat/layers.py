"""Layers that compute in float32 what int8 will compute.

The inference path of `FakeQuant` is the operation that TFLite's converter reads ranges
from; the training path rounds alike and also gives the range a slope. Rounding itself has
none, so it is passed straight through (Bengio et al., "Estimating or Propagating Gradients
Through Stochastic Neurons", 2013).
"""

from __future__ import annotations

from typing import Any

from edgeseg.training.backend import keras, layers, ops

Tensor = Any

STEPS = 255
"""Steps of an int8 activation, from -128 to 127."""
WEIGHT_STEPS = 127
"""Steps of an int8 weight to either side of zero; -128 is left out, so that the grid is symmetric."""
RANGE_GAIN = 3.0
"""How much faster the logarithm of a range may move than a weight; see `FakeQuant`."""
LEAST_RANGE = 1e-6

register = keras.saving.register_keras_serializable(package="edgeseg")


def _round(x: Tensor) -> Tensor:
    """Round half up as TensorFlow's fake quantization does, with the slope of identity."""
    return x + ops.stop_gradient(ops.floor(x + 0.5) - x)


def quantize_kernel(kernel: Tensor, axes: tuple[int, ...] | None) -> Tensor:
    """Round a kernel to its int8 grid; `axes` are those over which a scale is shared, None for all.

    The scale is the largest magnitude / 127, so the converter, which chooses it likewise,
    finds the same grid in the rounded kernel.
    """
    largest = ops.max(ops.abs(kernel), axis=axes, keepdims=True)
    scale = ops.stop_gradient(ops.maximum(largest, LEAST_RANGE) / WEIGHT_STEPS)
    return _round(kernel / scale) * scale


@register
class FakeQuant(layers.Layer):  # type: ignore[misc]
    """Rounds to 256 steps between `low` <= 0 and `high` >= 0, one of which falls on zero.

    The range is set by `set_range` and, unless `fixed`, learned: the gradient of each end
    is that of LSQ (Esser et al., "Learned Step Size Quantization", 2020; its form with an
    offset in Bhalgat et al., "LSQ+", 2020), and what is learned is the logarithm of the end
    relative to its start, as in Jain et al., "Trained Quantization Thresholds" (2020), so
    that one learning rate suits ranges of any width. An end at zero stays there. LSQ's factor
    on the gradient is left out: Adam would undo it, and its epsilon would drown what is left.
    """

    def __init__(self, fixed: bool = False, gain: float = RANGE_GAIN, **settings: Any) -> None:
        super().__init__(**settings)
        self.fixed, self.gain = fixed, gain

    def build(self, input_shape: Any) -> None:
        """Make the calibrated ends, (2,), and the learned logarithm of their growth, (2,)."""
        self.start = self.add_weight(shape=(2,), initializer="zeros", trainable=False, name="range_start")
        self.growth = self.add_weight(shape=(2,), initializer="zeros", trainable=not self.fixed, name="range_growth")
        self.start.assign((-1.0, 1.0))

    def set_range(self, low: float, high: float) -> None:
        """Begin anew with the range of `low` and `high`, widened to take in zero."""
        low, high = min(low, 0.0), max(high, 0.0)
        self.start.assign((low, max(high, low + LEAST_RANGE)))
        self.growth.assign((0.0, 0.0))

    @property
    def ends(self) -> Tensor:
        """(low, high) as they are now, not yet nudged to put a step on zero."""
        return self.start * ops.exp(self.growth * self.gain)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """Any shape, float32."""
        ends = self.ends
        if not training:
            return keras.quantizers.fake_quant_with_min_max_vars(inputs, ends[0], ends[1], num_bits=8)
        scale = (ends[1] - ends[0]) / STEPS
        zero = _round(-ends[0] / scale)
        return (_round(ops.clip(inputs / scale + zero, 0, STEPS)) - zero) * scale

    def get_config(self) -> dict[str, Any]:
        """See Keras."""
        return {**super().get_config(), "fixed": self.fixed, "gain": self.gain}


@register
class QuantRescaling(layers.Rescaling):  # type: ignore[misc]
    """Rescaling of pixels, which int8 does in two steps: a product and a sum."""

    def build(self, input_shape: Any) -> None:
        """Make the rounding between the two; the range follows from that of pixels."""
        self.between = FakeQuant(fixed=True, name="product")
        self.between.build(input_shape)
        ends = (0.0, *ops.convert_to_numpy(255 * ops.convert_to_tensor(self.scale, "float32")).ravel().tolist())
        self.between.set_range(min(ends), max(ends))

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """Pixels (N, H, W, C) in [0, 255]."""
        product = inputs * ops.convert_to_tensor(self.scale, "float32")
        return self.between(product, training=training) + ops.convert_to_tensor(self.offset, "float32")


@register
class QuantConv2D(layers.Conv2D):  # type: ignore[misc]
    """Conv2D with a kernel (h, w, in, out) of one scale an output channel."""

    def convolution_op(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """See Keras."""
        return super().convolution_op(inputs, quantize_kernel(kernel, (0, 1, 2)))


@register
class QuantDepthwiseConv2D(layers.DepthwiseConv2D):  # type: ignore[misc]
    """DepthwiseConv2D with a kernel (h, w, channels, multiplier) of one scale an output channel."""

    def call(self, inputs: Tensor) -> Tensor:
        """As the plain layer, on the rounded kernel."""
        kernel = quantize_kernel(self.kernel, (0, 1))
        found = ops.depthwise_conv(inputs, kernel, self.strides, self.padding, self.data_format, self.dilation_rate)
        return self.activation(found + self.bias if self.use_bias else found)


@register
class QuantConv2DTranspose(layers.Conv2DTranspose):  # type: ignore[misc]
    """Conv2DTranspose with a kernel (h, w, out, in) of one scale an output channel."""

    def call(self, inputs: Tensor) -> Tensor:
        """As the plain layer, on the rounded kernel."""
        found = ops.conv_transpose(
            inputs,
            quantize_kernel(self.kernel, (0, 1, 3)),
            list(self.strides),
            self.padding,
            self.output_padding,
            self.data_format,
            self.dilation_rate,
        )
        return self.activation(found + self.bias if self.use_bias else found)


@register
class QuantDense(layers.Dense):  # type: ignore[misc]
    """Dense with one scale for the whole kernel: older runtimes misread one a channel."""

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """As the plain layer, on the rounded kernel."""
        found = ops.matmul(inputs, quantize_kernel(self.kernel, None))
        return self.activation(found + self.bias if self.use_bias else found)
