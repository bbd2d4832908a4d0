"""How long each operator of a model takes, without a profiler: LiteRT's Python interface has none.

Each operator becomes a model of its own, which the same kernels run. That their times add
up to the whole model's is the proof of it, and is given with them.
"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.layers import layer_of
from converters.tflite import objects
from converters.tflite.fold import fold_constants
from converters.tflite.macs import macs
from converters.tflite.operators import Operator, operators
from converters.tflm.cut import alone
from edgeseg.errors import ModelError, first_line
from edgeseg.quiet import native_stderr
from edgeseg.segmenter import load_runtime

ROUNDS = 20
BLOCK = 5
"""Inferences in a row; a single one would find nothing of its own in the caches, as in the whole model it does."""
SECONDS = 20.0
"""No more rounds are begun after so long."""


@dataclass(frozen=True)
class OperatorTime:
    """One operator."""

    index: int
    """In the model's order, after what never changes was computed beforehand."""
    op: str
    layer: str
    """As Keras calls it, where the name still shows it."""
    ms: float
    """Median."""
    macs: int
    """Multiply-accumulates."""


@dataclass(frozen=True)
class KindTime:
    """All operators of a kind."""

    op: str
    count: int
    ms: float
    macs: int


@dataclass(frozen=True)
class OperatorTimes:
    """A model and its parts, timed in turns."""

    whole_ms: float
    """Median of the whole model."""
    operators: tuple[OperatorTime, ...]
    left_out: tuple[str, ...]
    """Operators that do not run alone, and why."""

    @property
    def sum_ms(self) -> float:
        """Of all operators; near `whole_ms`, or the figures are not to be trusted."""
        return sum(each.ms for each in self.operators)

    @property
    def kinds(self) -> list[KindTime]:
        """The slowest first."""
        found: dict[str, list[OperatorTime]] = {}
        for each in self.operators:
            found.setdefault(each.op, []).append(each)
        kinds = [
            KindTime(op, len(all_), sum(each.ms for each in all_), sum(each.macs for each in all_))
            for op, all_ in found.items()
        ]
        return sorted(kinds, key=lambda kind: -kind.ms)

    def slowest(self, count: int) -> list[OperatorTime]:
        """The slowest first."""
        return sorted(self.operators, key=lambda each: -each.ms)[:count]

    def to_json(self) -> dict[str, Any]:
        """What `edgeseg bench --json` prints of it."""
        return {
            "whole_ms": self.whole_ms,
            "sum_ms": self.sum_ms,
            "kinds": [vars(kind) for kind in self.kinds],
            "operators": [vars(each) for each in self.operators],
            "left_out": list(self.left_out),
        }


def time_operators(
    data: bytes, threads: int, runtime: str | None = None, on_progress: Callable[[int, int], None] | None = None
) -> OperatorTimes:
    """Time the .tflite in `data` and each of its operators, in turns, on random input.

    `on_progress` is told rounds done and rounds in all. Raises ModelError where `data` is
    damaged or does not run.
    """
    model = objects.read(data)
    fold_constants(model)  # half-precision weights, which XNNPACK takes only as constants
    folded = objects.write(model)
    try:
        whole = _Timed(folded, threads, runtime)
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"the model does not run ({first_line(error)}); convert it again") from error
    parts, left_out = _parts(folded, threads, runtime)
    began = time.monotonic()
    for done in range(ROUNDS):
        for each in (whole, *(timed for _, timed in parts)):
            each.run()
        if on_progress:
            on_progress(done + 1, ROUNDS)
        if time.monotonic() - began > SECONDS:
            break
    found = (
        OperatorTime(operator.index, operator.op, layer_of(operator.outputs[0].name), timed.ms, macs(operator))
        for operator, timed in parts
    )
    return OperatorTimes(whole.ms, tuple(found), tuple(left_out))


def _parts(data: bytes, threads: int, runtime: str | None) -> tuple[list[tuple[Operator, _Timed]], list[str]]:
    """Each operator with a model of its own, and what is to be said of those that do not run so."""
    model, parts, left_out = objects.read(data), [], []
    for operator in operators(data):
        try:
            timed = _Timed(alone(_copied(model), operator.index, operator.op), threads, runtime)
        except (RuntimeError, ValueError) as error:
            left_out.append(f"{operator.op}: {first_line(error)}")
        else:
            parts.append((operator, timed))
    return parts, left_out


def _copied(model: Any) -> Any:
    """A copy that can be cut and written; the constants, which take the memory, are shared."""
    copied, graph = copy.copy(model), copy.copy(model.subgraphs[0])
    graph.tensors = [copy.copy(tensor) for tensor in graph.tensors]
    graph.operators = [copy.copy(operator) for operator in graph.operators]
    copied.subgraphs = [graph, *model.subgraphs[1:]]
    return copied


class _Timed:
    """A model with random input, and how long it took."""

    def __init__(self, data: bytes, threads: int, runtime: str | None) -> None:
        """Raises RuntimeError or ValueError for what does not run."""
        name, module = load_runtime(runtime)
        known = module.OpResolverType
        resolver = known.BUILTIN_REF if name == "reference" else known.AUTO
        with native_stderr():
            self._interpreter = module.Interpreter(
                model_content=data, num_threads=threads, experimental_op_resolver_type=resolver
            )
            self._interpreter.allocate_tensors()
            for details in self._interpreter.get_input_details():
                self._interpreter.set_tensor(details["index"], _values(details))
            self._interpreter.invoke()
        self._times_ms: list[float] = []

    @property
    def ms(self) -> float:
        return statistics.median(self._times_ms)

    def run(self) -> None:
        for _ in range(BLOCK):
            started = time.perf_counter()
            self._interpreter.invoke()
            self._times_ms.append((time.perf_counter() - started) * 1000)


def _values(details: dict[str, Any]) -> NDArray[Any]:
    """Random pixels or activations; zeros where the tensor may hold an index or a size."""
    shape, dtype = tuple(details["shape"]), np.dtype(details["dtype"])
    rng = np.random.default_rng(0)
    if dtype.kind == "f":
        return rng.random(shape).astype(dtype)
    if dtype.itemsize > 2 or dtype.kind == "b":
        return np.zeros(shape, dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
