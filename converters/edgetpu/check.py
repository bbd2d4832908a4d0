"""Which operators of a model the Edge TPU will run, predicted without its compiler."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converters.edgetpu.rules import MAPPED, MAX_VERSIONS, SUBGRAPH, Verdict, verdict
from converters.tflite.operators import Operator, operators
from edgeseg.errors import GateError, ModelError

COMPILED = "edgetpu-custom-op"
PARAMETER_MEMORY = int(7.9 * 2**20)
"""Bytes of weights that the Edge TPU holds; more stream from the host at each inference."""


@dataclass(frozen=True)
class Placement:
    """Where one operator runs, and why."""

    index: int
    op: str
    version: int
    on_tpu: bool
    reason: str
    """In the compiler's words where it has any."""
    confidence: str
    """'certain', 'likely' or 'unknown'."""
    layer: str
    """Name of the operator's first output, which begins with the layer's."""


@dataclass(frozen=True)
class Report:
    """The prediction for one model."""

    operators: tuple[Placement, ...]
    """In file order."""
    blocker: Placement | None
    """The first operator that ends the part on the Edge TPU."""
    edit: str
    """What would help against it."""
    rejected: tuple[str, ...]
    """Why the compiler would refuse the whole model, a line each."""
    parameter_bytes: int
    """Weights of the operators on the Edge TPU."""

    @property
    def mapped(self) -> float:
        """Share of the operators on the Edge TPU, 0..1."""
        return sum(each.on_tpu for each in self.operators) / max(1, len(self.operators))

    @property
    def memory_share(self) -> float:
        """Weights on the Edge TPU against what it holds; above 1 they stream."""
        return self.parameter_bytes / PARAMETER_MEMORY

    def require(self, model: Path, share: float) -> None:
        """Raise GateError where less than `share` of the operators, 0..1, is on the Edge TPU."""
        if self.mapped < share:
            raise GateError(f"{model}: {self.mapped:.1%} of the operators are mapped, below {share:.1%}; {self.advice}")

    @property
    def advice(self) -> str:
        """What to do, in a sentence without a full stop."""
        if self.rejected:
            return "the compiler refuses the model: " + "; ".join(self.rejected)
        if self.blocker is None:
            return "nothing needs to change"
        return f"operator {self.blocker.index} ({self.blocker.op}, {self.blocker.layer}) stays on the CPU: {self.edit}"

    def to_json(self) -> dict[str, Any]:
        """What `edgeseg check --json` prints."""
        return {
            "mapped": self.mapped,
            "rejected": list(self.rejected),
            "blocker": self.blocker.index if self.blocker else None,
            "edit": self.edit,
            "parameter_bytes": self.parameter_bytes,
            "parameter_memory": PARAMETER_MEMORY,
            "operators": [vars(each) for each in self.operators],
        }


def check(data: bytes) -> Report:
    """Predict the placement of the model in `data`; raises ModelError where that is none."""
    found = operators(data)
    if any(each.op == COMPILED for each in found):
        raise ModelError("the model is compiled for the Edge TPU already; check the file that it was compiled from")
    rejected = _rejected(found)
    producer = {tensor.name: each.index for each in found for tensor in each.outputs}
    placements: list[Placement] = []
    behind: set[int] = set()  # on the CPU although something before them is on the TPU
    left_out: tuple[Placement | None, str] = (None, "")  # the first with a reason of its own
    blocker, edit, parameters = None, "", 0
    for each in found:
        before = [producer[tensor.name] for tensor in each.inputs if tensor.name in producer]
        own = verdict(each)
        cut_off = any(index in behind for index in before)
        placed = _place(each, own, cut_off, bool(rejected))
        placements.append(placed)
        if placed.on_tpu:
            parameters += sum(tensor.bytes for tensor in each.inputs)
        elif cut_off or any(placements[index].on_tpu for index in before):
            behind.add(each.index)
        if own and left_out[0] is None:
            left_out = placed, own.edit
        if own and not cut_off and blocker is None and (behind or each.index == len(found) - 1):
            blocker, edit = placed, own.edit
    if blocker is None:
        blocker, edit = left_out
    return Report(tuple(placements), blocker, edit, rejected, parameters)


def check_file(path: Path) -> Report:
    """`check` for a file; raises ModelError that names it."""
    try:
        return check(path.read_bytes())
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); give a .tflite file") from error
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def _place(operator: Operator, own: Verdict | None, cut_off: bool, refused: bool) -> Placement:
    layer = operator.outputs[0].name if operator.outputs else ""
    if refused:
        on_tpu, reason, confidence = False, "the compiler refuses the model", "certain"
    elif cut_off:
        on_tpu, reason, confidence = False, SUBGRAPH, "likely" if own is None else "certain"
    elif own is not None:
        on_tpu, reason, confidence = False, own.reason, "certain" if own.certain else "likely"
    else:
        on_tpu, reason, confidence = True, MAPPED, "certain" if operator.op in _COMMON else "likely"
    return Placement(operator.index, operator.op, operator.version, on_tpu, reason, confidence, layer)


_COMMON = frozenset({"ADD", "AVERAGE_POOL_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "LOGISTIC", "MAX_POOL_2D", "QUANTIZE"})
"""Operators of which published compiled models hold hundreds."""


def _rejected(found: tuple[Operator, ...]) -> tuple[str, ...]:
    lines = [
        f"operator {each.index} ({each.op}) has version {each.version}, and the compiler knows up to {limit}"
        for each in found
        if each.version > (limit := MAX_VERSIONS.get(each.op, each.version))
    ]
    if any(-1 in tensor.shape or 0 in tensor.shape[:1] for each in found for tensor in each.outputs):
        lines.append("a tensor has no fixed shape; export the model with batch 1")
    return tuple(lines)
