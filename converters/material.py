"""What a scheme has to work with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from converters.calibration import INPUT, OnProgress, scaled, stream
from converters.litert import calibrate
from converters.tflite.objects import read
from edgeseg.errors import ConversionError
from edgeseg.images import Image

if TYPE_CHECKING:
    from converters.job import Options
    from converters.judge import Judge
    from converters.ranges import Ranges
    from converters.sources import Source


@dataclass(frozen=True)
class Converted:
    """What a scheme made."""

    data: bytes
    """The .tflite, without our information."""
    notes: tuple[str, ...] = ()
    """What its user should know, a line each."""
    float_layers: tuple[str, ...] = ()
    """For `mixed`: the output tensors of the operators that stay float."""
    plain: bytes | None = None
    """For `mixed`: the same without them, to tell what they cost."""


class Material:
    """A source, the options, and calibration data that are read when they are needed."""

    def __init__(
        self,
        source: Source,
        options: Options,
        calibration: Sequence[str],
        make_judge: Callable[[], Judge],
        on_progress: OnProgress,
    ) -> None:
        self.source, self.options = source, options
        self.output = options.output or source.outputs[0]
        """Of `converters.job.OUTPUTS`."""
        self._calibration, self._make_judge, self._on_progress = calibration, make_judge, on_progress

    def frames(self) -> Iterator[dict[str, NDArray[np.float32]]]:
        """The calibration frames as inputs of `float_model`, read one at a time."""
        source, model = self.source, self.source.predictor
        paths, total = self._calibration, len(self._calibration)
        for number, image in enumerate(stream(paths, model.size, model.channels), 1):
            yield {INPUT: scaled(image, source.input_range)[None]}
            self._on_progress(number, total)

    def pixels(self) -> Iterator[Image]:
        """The same as pixels (height, width, channels) uint8."""
        return stream(self._calibration, self.source.predictor.size, self.source.predictor.channels)

    @cached_property
    def judge(self) -> Judge:
        """Tells what a candidate loses."""
        return self._make_judge()

    @cached_property
    def float_model(self) -> bytes:
        """The source as a float32 .tflite."""
        return self.source.float_model(self.output)

    @cached_property
    def ranges(self) -> Ranges:
        """The extremes of each activation of `float_model` over the calibration frames."""
        model = read(self.float_model)
        graph = model.subgraphs[0]
        name = graph.tensors[graph.inputs[0]].name.decode()
        return calibrate(self.float_model, self.frames()).declared(name, *self.source.input_range)

    def converter(self, scheme: str) -> Any:
        """The source's TFLiteConverter; raises ConversionError where TensorFlow does not read it."""
        converter = self.source.converter(self.output)
        if converter is None:
            raise ConversionError(f"{scheme} is made from a Keras model or a SavedModel, not from a .tflite")
        return converter
