"""Quantizing a float .tflite without TensorFlow: the only module that imports litert_quantizer."""

from __future__ import annotations

import contextlib
import difflib
import io
import re
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.ranges import Ranges, gather
from converters.tflite.islands import close_islands
from converters.tflite.operators import Operator, Tensor, operators
from converters.tflite.runtime import transparent
from converters.windows import windowed
from edgeseg.errors import ConversionError, MissingExtraError, UsageError
from edgeseg.quiet import native_stderr

SCHEMES = ("int8", "dynamic", "float16")
EVERYTHING = ".*"
BITS = 8
_BETWEEN = frozenset({"QUANTIZE", "DEQUANTIZE"})
"""Operators that change the type and compute nothing."""


def calibrate(model: bytes, frames: Iterable[Mapping[str, NDArray[np.float32]]], threads: int = 2) -> Ranges:
    """Run a float .tflite with one input on `frames`, one at a time, and note each activation's extremes.

    Each frame has one entry, the input (1, height, width, channels) float32; its name does not
    matter. Memory holds one frame's activations, whatever the number of frames. Raises
    DataError without a frame, ConversionError where an activation is not finite.
    """
    interpreter = transparent(model, threads)
    activations = {
        tensor.name for operator in operators(model) for tensor in _activations(operator) if tensor.dtype == "float32"
    }
    details = [each for each in interpreter.get_tensor_details() if each["name"] in activations]
    tensors = [interpreter.tensor(each["index"]) for each in details]
    target = interpreter.get_input_details()[0]["index"]

    def rows() -> Iterator[tuple[list[float], list[float]]]:
        for frame in frames:
            (image,) = frame.values()
            interpreter.set_tensor(target, image)
            interpreter.invoke()
            yield [float(tensor().min()) for tensor in tensors], [float(tensor().max()) for tensor in tensors]

    return gather(tuple(each["name"] for each in details), rows())


def quantize(model: bytes, ranges: Ranges | None, scheme: str, keep_float: Collection[str] = ()) -> bytes:
    """Quantize a float .tflite.

    'int8': weights (per channel; FULLY_CONNECTED per tensor) and activations by `ranges`, ends
    included. 'dynamic': weights in int8, activations float. 'float16': weights in half
    precision. `keep_float` names tensors; the operators that write them stay as they are.

    Raises MissingExtraError without litert-quantizer, UsageError for an unknown scheme or
    tensor, ConversionError where the library fails or where other operators than those of
    `keep_float` stay float (see `float_only`).
    """
    if scheme not in SCHEMES:
        raise UsageError(f"no scheme is called '{scheme}'; known schemes are {', '.join(SCHEMES)}")
    if (scheme == "int8") != (ranges is not None):
        raise UsageError("int8 needs the ranges of a calibration, and the other schemes take none")
    kept = _writers(operators(model), keep_float)
    data = _apply(model, ranges, scheme, kept)
    _prove(operators(data), scheme, {_writes(operator) for operator in kept})
    return data


def float_only(model: bytes, ranges: Ranges) -> tuple[str, ...]:
    """Outputs of the operators of a float .tflite that cannot become int8 here; for `keep_float`.

    Raises as `quantize` does.
    """
    return tuple(_writes(operator) for operator in operators(_apply(model, ranges, "int8", ())) if _is_float(operator))


def _apply(model: bytes, ranges: Ranges | None, scheme: str, kept: Collection[Operator]) -> bytes:
    """Let the library quantize, quietly, and make integer what it left float without need."""
    library = _library()
    extremes = windowed(model, ranges).extremes() if ranges else {}
    stray = io.StringIO()
    try:
        with (
            native_stderr(),
            contextlib.redirect_stderr(stray),
            contextlib.redirect_stdout(stray),
            warnings.catch_warnings(action="ignore"),
        ):
            quantizer = library.Quantizer(model)
            _configure(quantizer, scheme)
            for operator in kept:
                pattern = f"^{re.escape(_scope(operator))}$"
                quantizer.update_quantization_recipe(pattern, "*", None, library.AlgorithmName.NO_QUANTIZE)
            result = quantizer.quantize(
                _statistics(extremes) if ranges else None, enable_progress_bar=False, enable_progress_report=False
            )
            data = bytes(result.quantized_model)
    except (ValueError, RuntimeError, KeyError, IndexError, TypeError, AttributeError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ConversionError(f"litert-quantizer cannot make {scheme} of it ({reason[:300]})") from error
    return close_islands(data, extremes, {_writes(operator) for operator in kept}) if scheme == "int8" else data


def _configure(quantizer: Any, scheme: str) -> None:
    if scheme == "int8":
        quantizer.add_static_config(EVERYTHING, "*", BITS, BITS)
        # A dense kernel per channel is read as garbage by older runtimes, without an error.
        quantizer.add_static_config(f"(?:{EVERYTHING})", "FULLY_CONNECTED", BITS, BITS, "TENSORWISE")
    elif scheme == "dynamic":
        quantizer.add_dynamic_config(EVERYTHING, "*", BITS)
        quantizer.add_dynamic_config(f"(?:{EVERYTHING})", "FULLY_CONNECTED", BITS, "TENSORWISE")
    else:
        quantizer.add_weight_only_config(EVERYTHING, "*", 16, algorithm_key="float_casting")


def _statistics(extremes: Mapping[str, tuple[float, float]]) -> dict[str, dict[str, NDArray[np.float32]]]:
    """Extremes as the library's calibrator would have given them."""
    return {
        name: {"min": np.array([low], np.float32), "max": np.array([high], np.float32)}
        for name, (low, high) in extremes.items()
    }


def _prove(found: tuple[Operator, ...], scheme: str, keep_float: Collection[str]) -> None:
    """A recipe that matched nothing passes without a word; this does not."""
    if scheme == "int8":
        floats = {_writes(operator): operator for operator in found if _is_float(operator)}
    else:
        floats = {_writes(operator): operator for operator in found if not _has_small_weights(operator, found)}
        if len(floats) == len(found):
            raise ConversionError(f"the model has no weights that {scheme} could make smaller; leave it float32")
    for name in keep_float:
        if name not in floats:
            raise ConversionError(f"'{name}' was to stay float and did not; use another tensor")
    for name, operator in floats.items():
        if scheme == "int8" and name not in keep_float:
            raise ConversionError(
                f"litert-quantizer has no int8 {operator.op} ('{name}'); keep that tensor float, or convert with Keras"
            )


def _scope(operator: Operator) -> str:
    """The name by which the library knows an operator: those of its outputs, each with a semicolon."""
    return "".join(f"{tensor.name};" for tensor in operator.outputs)


def _writes(operator: Operator) -> str:
    return operator.outputs[0].name


def _writers(found: tuple[Operator, ...], names: Collection[str]) -> list[Operator]:
    by_name = {tensor.name: operator for operator in found for tensor in operator.outputs}
    for name in names:
        if name not in by_name:
            near = difflib.get_close_matches(name, by_name, 1, 0)
            raise UsageError(f"no operator writes a tensor '{name}'; the nearest is '{near[0] if near else 'none'}'")
    return list({id(by_name[name]): by_name[name] for name in names}.values())


def _activations(operator: Operator) -> Iterator[Tensor]:
    return (tensor for tensor in (*operator.inputs, *operator.outputs) if not tensor.constant)


def _is_float(operator: Operator) -> bool:
    return operator.op not in _BETWEEN and any(tensor.dtype == "float32" for tensor in _activations(operator))


def _has_small_weights(operator: Operator, found: tuple[Operator, ...]) -> bool:
    """Weights in less than 32 bits, here or behind a DEQUANTIZE."""
    expanded = {each.outputs[0].name for each in found if each.op == "DEQUANTIZE" and each.inputs[0].constant}
    small = {"int8", "float16"}
    return any(tensor.name in expanded or (tensor.constant and tensor.dtype in small) for tensor in operator.inputs)


def _library() -> Any:
    try:
        from litert_quantizer import quantizer
    except ModuleNotFoundError as error:
        raise MissingExtraError("litert-quantizer", "convert") from error
    return quantizer
