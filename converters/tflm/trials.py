"""Runs of one model with the interpreters of a microcontroller and of a board; bad models end the process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from converters.tflm.runtime import interpreter
from edgeseg.segmenter import load_runtime

PLENTY = 1 << 30
"""Bytes of an arena that suffices for whatever a microcontroller may hold; untouched pages cost nothing."""
KERNELS = {"reference": "BUILTIN_REF", "default": "AUTO"}
"""LiteRT's plain kernels, of which a microcontroller has the same, and those that run on a board."""


def record(data: bytes, folder: Path, frames: int) -> None:
    """Run the pictures and leave inputs and outputs in `folder`; the arena is printed at the end."""
    wanted = _input_details(data, interpreter(data, PLENTY))
    shapes = [(tuple(map(int, each["shape"])), np.dtype(each["dtype"])) for each in wanted]
    by_input = [_pictures(shape, dtype, frames) for shape, dtype in shapes]
    inputs = [list(each) for each in zip(*by_input, strict=True)]
    outputs = invoke(data, PLENTY, inputs)
    np.savez(folder / "inputs.npz", *(array for given in inputs for array in given))
    np.savez(folder / "outputs.npz", *outputs)


def compare(data: bytes, folder: Path, kernels: str) -> None:
    """Run the same pictures with LiteRT and leave the figures in `folder`."""
    module = load_runtime("litert")[1]
    resolver = getattr(module.OpResolverType, KERNELS[kernels])
    lite = module.Interpreter(model_content=data, num_threads=1, experimental_op_resolver_type=resolver)
    lite.allocate_tensors()
    details, output = lite.get_input_details(), lite.get_output_details()[0]["index"]
    equal, classes, largest = [], [], 0.0
    with np.load(folder / "inputs.npz") as inputs, np.load(folder / "outputs.npz") as outputs:
        for number, name in enumerate(outputs):
            for index, each in enumerate(details):
                lite.set_tensor(each["index"], inputs[f"arr_{number * len(details) + index}"])
            lite.invoke()
            ours, theirs = outputs[name].astype(np.float64), lite.get_tensor(output).astype(np.float64)
            equal.append(float((ours == theirs).mean()))
            largest = max(largest, float(np.abs(ours - theirs).max(initial=0)))
            if ours.ndim == 4 and ours.shape[3] > 1:
                classes.append(float((ours.argmax(-1) == theirs.argmax(-1)).mean()))
    figures = {"equal": np.mean(equal), "largest": largest, "classes": np.mean(classes) if classes else None}
    (folder / f"{kernels}.json").write_text(json.dumps(figures))


def invoke(data: bytes, arena_bytes: int, inputs: list[list[NDArray[Any]]]) -> list[NDArray[Any]]:
    """First outputs for each of `inputs` (arrays in the model's order), or of one run on neutral values without any."""
    micro = interpreter(data, arena_bytes)
    outputs = []
    for given in inputs or [[_neutral(each) for each in _input_details(data, micro)]]:
        for index, array in enumerate(given):
            micro.set_input(array, index)
        micro.invoke()
        outputs.append(micro.get_output(0))
    micro.print_allocations()
    return outputs


def _neutral(details: dict[str, Any]) -> NDArray[Any]:
    """Ones, which any operator may divide by; zeros where the type is that of an index."""
    dtype = np.dtype(details["dtype"])
    return np.full(details["shape"], 0 if dtype.kind in "iu" and dtype.itemsize > 2 else 1, dtype)


def _input_details(data: bytes, micro: Any) -> list[dict[str, Any]]:
    """Shape and dtype of every input; the interpreter itself does not say how many there are."""
    count = schema.Model.GetRootAsModel(data, 0).Subgraphs(0).InputsLength()
    return [micro.get_input_details(index) for index in range(count)]


def _pictures(shape: tuple[int, ...], dtype: np.dtype[Any], count: int) -> list[NDArray[Any]]:
    """`count` arrays from smooth to pure noise over the whole range of `dtype`; floats over [0, 1]."""
    rng = np.random.default_rng(0)
    found = []
    for number in range(count):
        noise: NDArray[Any] = rng.random(shape, np.float32)
        if len(shape) == 4 and number + 1 < count:
            cells = rng.random((4 << 2 * number, 4 << 2 * number, shape[3]), np.float32)
            noise = cv2.resize(cells, (shape[2], shape[1])).reshape(shape)
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            noise = np.round(limits.min + noise.astype(np.float64) * (float(limits.max) - limits.min))
        found.append(noise.astype(dtype))
    return found
