"""Computing beforehand what does not depend on the input: dequantized weights, shape arithmetic."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from converters.tflite.objects import ABSENT, builtin, is_constant, make_constant, write
from edgeseg.errors import ModelError, first_line

_CODES = schema.BuiltinOperator
_SOURCES = frozenset({_CODES.RANDOM_UNIFORM, _CODES.RANDOM_STANDARD_NORMAL, _CODES.MULTINOMIAL, _CODES.VAR_HANDLE})
"""Operators whose result is new at each run."""


def fold_constants(model: Any) -> None:
    """Replace, in place, every operator whose inputs are all constants by its result.

    SHAPE counts as one, since all shapes are static. LiteRT itself computes the values, so
    that any operator folds and half-precision weights come out as the runtime would see them.
    """
    graph = model.subgraphs[0]
    known = {index for index, tensor in enumerate(graph.tensors) if is_constant(model, tensor)}
    foldable, remaining = [], []
    for operator in graph.operators:
        code = builtin(model, operator)
        if code == _CODES.SHAPE and all(length > 0 for length in graph.tensors[operator.inputs[0]].shape):
            tensor = graph.tensors[operator.outputs[0]]
            dtype = np.int64 if tensor.type == schema.TensorType.INT64 else np.int32
            make_constant(model, tensor, np.array(graph.tensors[operator.inputs[0]].shape, dtype))
            known.update(operator.outputs)
        elif code not in _SOURCES and operator.inputs and all(i in known or i == ABSENT for i in operator.inputs):
            foldable.append(operator)
            known.update(operator.outputs)
        else:
            remaining.append(operator)
    if foldable:
        results = [index for operator in foldable for index in operator.outputs]
        for index, content in zip(results, _run(model, foldable, results), strict=True):
            make_constant(model, graph.tensors[index], content)
    graph.operators = remaining


def _run(model: Any, operators: list[Any], results: list[int]) -> list[Any]:
    """The values of the tensors `results`, computed by `operators` alone."""
    part = copy.copy(model)
    part.signatureDefs, part.metadata = None, None
    part.subgraphs = [copy.deepcopy(model.subgraphs[0])]
    part.operatorCodes = copy.deepcopy(model.operatorCodes)
    part.subgraphs[0].operators = copy.deepcopy(operators)
    part.subgraphs[0].inputs, part.subgraphs[0].outputs = [], results
    interpreter = open_plain(write(part))
    return [interpreter.get_tensor(details["index"]) for details in interpreter.get_output_details()]


def open_plain(data: bytes, preserve: bool = False) -> Any:
    """A LiteRT interpreter without XNNPACK that has run once; `preserve` keeps every tensor readable.

    Raises ModelError where LiteRT cannot run the model so: what passes runs on every runtime.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # preserving all tensors is what we are here for
            interpreter = Interpreter(
                model_content=data,
                num_threads=1,
                experimental_preserve_all_tensors=preserve,
                experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            )
            interpreter.allocate_tensors()
            interpreter.invoke()
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"LiteRT cannot run the model ({first_line(error)}); export it again") from error
    return interpreter
