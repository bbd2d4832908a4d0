"""LiteRT for looking into a model."""

from __future__ import annotations

import warnings
from typing import Any

from ai_edge_litert.interpreter import Interpreter

from edgeseg.quiet import native_stderr


def transparent(model: bytes, threads: int | None = None) -> Any:
    """An interpreter that keeps every tensor readable after an inference; slow, and takes memory."""
    with native_stderr(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that keeping all tensors takes memory
        interpreter = Interpreter(model_content=model, num_threads=threads, experimental_preserve_all_tensors=True)
        interpreter.allocate_tensors()
    return interpreter
