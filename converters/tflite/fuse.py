"""Giving an operator the activation that follows it: one rounding fewer once both are int8."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from converters.tflite.objects import builtin

_CODES, _FUSED = schema.BuiltinOperator, schema.ActivationFunctionType
_ACTIVATIONS = {_CODES.RELU: _FUSED.RELU, _CODES.RELU6: _FUSED.RELU6}
_HOSTS = frozenset(
    {_CODES.CONV_2D, _CODES.DEPTHWISE_CONV_2D, _CODES.FULLY_CONNECTED, _CODES.ADD, _CODES.MUL, _CODES.SUB}
)
"""Operators that take an activation in all their versions; TRANSPOSE_CONV only does in its newest."""


def fuse_activations(model: Any) -> None:
    """Merge, in place, each RELU and RELU6 into the operator before it, where nobody else reads between them."""
    graph = model.subgraphs[0]
    readers = Counter(index for operator in graph.operators for index in operator.inputs)
    readers.update(graph.outputs)
    makers: dict[int, Any] = {}
    remaining = []
    for operator in graph.operators:
        activation = _ACTIVATIONS.get(builtin(model, operator))
        host = makers.get(operator.inputs[0]) if activation and len(operator.inputs) else None
        if host is not None and readers[operator.inputs[0]] == 1:
            host.builtinOptions.fusedActivationFunction = activation
            host.outputs = operator.outputs
            continue
        remaining.append(operator)
        options = operator.builtinOptions
        if builtin(model, operator) in _HOSTS and options and options.fusedActivationFunction == _FUSED.NONE:
            makers[operator.outputs[0]] = operator
    graph.operators = remaining
