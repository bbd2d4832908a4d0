"""One operator of a model as a model of its own, to hear what an interpreter says of it alone."""

from __future__ import annotations

from typing import Any

from converters.tflite import objects

_WITH_SUBGRAPHS = {"IF", "WHILE", "CALL_ONCE"}
"""Operators that run further graphs of the file."""


def alone(model: Any, index: int, op: str) -> bytes:
    """The .tflite that holds nothing but operator `index`, named `op`, of the main graph; `model` is used up.

    `model` is what `converters.tflite.objects.read` gives. What the operator computes from
    becomes the input, its constants stay.
    """
    graph = model.subgraphs[0]
    operator = graph.operators[index]
    graph.operators = [operator]
    read = [at for at in dict.fromkeys(map(int, operator.inputs)) if at != objects.ABSENT]
    graph.inputs = [at for at in read if not objects.is_constant(model, graph.tensors[at])]
    graph.outputs = [at for at in operator.outputs if at != objects.ABSENT]
    if op not in _WITH_SUBGRAPHS:
        model.subgraphs = [graph]
    model.signatureDefs = model.metadata = None
    return objects.write(model)
