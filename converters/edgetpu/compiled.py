"""A model that the Edge TPU compiler made, against what was predicted of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converters.edgetpu.check import COMPILED, Report
from converters.edgetpu.compiler_log import CompilerLog
from converters.tflite.operators import operators


@dataclass(frozen=True)
class Kind:
    """The operators of one kind."""

    op: str
    count: int
    predicted: int
    """On the Edge TPU, as predicted."""
    on_tpu: int
    """On the Edge TPU, as compiled."""

    @property
    def as_predicted(self) -> bool:
        """Whether as many are on the Edge TPU as were predicted."""
        return self.predicted == self.on_tpu


@dataclass(frozen=True)
class Compiled:
    """A compiled model that was written."""

    model: Path
    out: Path
    bytes: int
    """Size of `out`."""
    tries: int
    """How often the compiler was run until it did it."""
    lowered: tuple[str, ...]
    """Outputs of TRANSPOSE_CONV operators that were lowered, with the same results, so that it could read them."""
    kinds: tuple[Kind, ...]
    """In the order of their first operators; read from the compiled file."""
    subgraphs: int
    """Parts of the model on the Edge TPU."""
    log: CompilerLog

    @property
    def mapped(self) -> float:
        """Share of the operators on the Edge TPU, 0..1."""
        return sum(kind.on_tpu for kind in self.kinds) / max(1, sum(kind.count for kind in self.kinds))

    def to_json(self) -> dict[str, Any]:
        """What `edgeseg compile --json` prints."""
        return {
            "model": str(self.model),
            "out": str(self.out),
            "bytes": self.bytes,
            "tries": self.tries,
            "lowered": list(self.lowered),
            "mapped": self.mapped,
            "subgraphs": self.subgraphs,
            "as_predicted": all(kind.as_predicted for kind in self.kinds),
            "kinds": [vars(kind) for kind in self.kinds],
            "compiler": vars(self.log) | {"operators": [vars(row) for row in self.log.operators]},
        }


def placed(predicted: Report, compiled: bytes) -> tuple[tuple[Kind, ...], int]:
    """Kinds of operators with their places in the compiled .tflite, and how many parts are on the Edge TPU.

    An operator is on the Edge TPU unless it still stands beside the compiled one. Raises
    ModelError where `compiled` is damaged.
    """
    left = Counter(each.op for each in operators(compiled))
    counts = Counter(each.op for each in predicted.operators)
    expected = Counter(each.op for each in predicted.operators if each.on_tpu)
    kinds = (Kind(op, count, expected[op], max(0, count - left[op])) for op, count in counts.items())
    return tuple(kinds), left[COMPILED]
