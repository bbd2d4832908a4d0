"""The first operators of a model as a model of their own."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

from converters.tflite import objects
from edgeseg.errors import ModelError


def cut(data: bytes, count: int) -> bytes:
    """The first `count` operators of the .tflite in `data`, in file order.

    What the rest of the model would have read, and what nobody reads, becomes the output,
    so that no operator is idle. Inputs keep their order; those that no operator reads go.
    Signatures and metadata go too, since they speak of the whole model. Raises ModelError
    where `data` is damaged or has further graphs, to which its operators may point.
    """
    model = objects.read(data)
    if len(model.subgraphs) != 1:
        raise ModelError("the model has control flow; it cannot be cut")
    try:
        _keep(model, count)
        return objects.write(model)
    except (struct.error, LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ModelError(f"the model is damaged ({type(error).__name__}); convert it again") from error


def _keep(model: Any, count: int) -> None:
    graph = model.subgraphs[0]
    kept, rest = graph.operators[:count], graph.operators[count:]
    made, read = _tensors(kept, "outputs"), _tensors(kept, "inputs")
    wanted = {*_tensors(rest, "inputs"), *map(int, graph.outputs)}
    graph.operators = kept
    graph.inputs = [at for at in map(int, graph.inputs) if at in read]
    graph.outputs = [at for at in made if at in wanted or at not in read]
    model.signatureDefs = model.metadata = None


def _tensors(operators: Iterable[Any], side: str) -> dict[int, None]:
    """Tensors on one side of the operators, each once, in their order."""
    found = (int(at) for operator in operators for at in getattr(operator, side))
    return dict.fromkeys(at for at in found if at != objects.ABSENT)
