"""Finding the operator at which the Edge TPU compiler fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from converters.edgetpu.rules import verdict
from converters.tflite.operators import Operator, operators

OTHERWISE = "put another layer in its place, or end the network before it"


@dataclass(frozen=True)
class Culprit:
    """The operator with which a model stops compiling."""

    operator: Operator
    layer: str
    """The Keras layer that it came from, or its output's name where that names none."""
    advice: str

    def __str__(self) -> str:
        operator = self.operator
        return f"operator {operator.index} ({operator.op}, {self.layer})"


def culprit(data: bytes, fails: Callable[[int], bool], network: str = "") -> Culprit:
    """The operator of `data` with which it stops compiling.

    `fails(n)` tells whether the first n operators do not compile; it is known to be true of
    all of them. `network` is the Keras model's name, where that is known. Halving, it asks
    about log2 of the number of operators.
    """
    found = operators(data)
    good, bad = 0, len(found)
    while bad - good > 1:
        middle = (good + bad) // 2
        if fails(middle):
            bad = middle
        else:
            good = middle
    at = found[bad - 1]
    own = verdict(at)
    return Culprit(at, layer(at.outputs[0].name if at.outputs else "", network), own.edit if own else OTHERWISE)


def layer(tensor: str, network: str = "") -> str:
    """The Keras layer in the name of a tensor: 'small_1/stem_relu_1/Relu6;…' → 'stem_relu_1'.

    An export appends a number to the model's name and, with it, to those of its layers; it
    goes where `network` shows that it is there: 'stem_relu'.
    """
    scope, *parts = tensor.split(";")[0].split("/")
    if not parts:
        return tensor
    name = "/".join(parts[:-1]) or scope
    suffix = scope.removeprefix(network) if network and scope.startswith(network) else ""
    return name.removesuffix(suffix)
