from collections.abc import Callable
from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from converters.edgetpu.cut import cut
from converters.tflite.operators import operators
from edgeseg.errors import ModelError


def interpreter(data: bytes) -> Interpreter:
    made = Interpreter(
        model_content=data,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    made.allocate_tensors()
    return made


def invoke(made: Interpreter) -> None:
    given = made.get_input_details()[0]
    pixels = np.random.default_rng(0).integers(0, 256, given["shape"]).astype(np.uint8)
    made.set_tensor(given["index"], pixels.view(given["dtype"]))
    made.invoke()


def test_every_beginning_of_a_model_computes_what_the_model_does(int8_model: Path) -> None:
    data = int8_model.read_bytes()
    whole = interpreter(data)
    invoke(whole)
    values = {each["name"]: each["index"] for each in whole.get_tensor_details()}
    total = len(operators(data))
    for count in range(1, total + 1):
        part = cut(data, count)
        assert [each.op for each in operators(part)] == [each.op for each in operators(data)][:count]
        made = interpreter(part)
        invoke(made)
        results = made.get_output_details()
        assert operators(data)[count - 1].outputs[0].name in [each["name"] for each in results]
        for each in results:
            assert np.array_equal(made.get_tensor(each["index"]), whole.get_tensor(values[each["name"]])), count


def test_what_was_cut_off_is_not_carried_along(int8_model: Path) -> None:
    data = int8_model.read_bytes()
    sizes = [len(cut(data, count)) for count in (1, len(operators(data)) // 2, len(operators(data)))]
    assert sizes[0] < sizes[1] < sizes[2]
    assert sizes[0] < len(data) / 4


def test_no_operator_of_a_beginning_is_idle(shared: Path) -> None:
    for path in sorted((shared / "models" / "edgetpu_cases").glob("*.tflite")):
        data = path.read_bytes()
        total = len(operators(data))
        for count in {1, total // 3, total // 2, total - 1} - {0}:
            part = cut(data, count)
            graph = schema.Model.GetRootAsModel(part, 0).Subgraphs(0)
            read = {tensor.name for each in operators(part) for tensor in each.inputs}
            read |= {graph.Tensors(graph.Outputs(i)).Name().decode() for i in range(graph.OutputsLength())}
            assert len(operators(part)) == count
            assert all(read & {tensor.name for tensor in each.outputs} for each in operators(part)), (path.name, count)


def test_a_damaged_model_is_refused(models: Callable[[str, str], Path]) -> None:
    data = np.frombuffer(models("int8", "logits").read_bytes(), np.uint8)
    rng = np.random.default_rng(1)
    refused = 0
    for size in rng.integers(100, 2 * len(data), 60):
        broken = data.copy()
        broken[rng.integers(8, len(data), 300)] = rng.integers(0, 256, 300)
        try:
            cut(broken[:size].tobytes(), 5)
        except ModelError:
            refused += 1
    assert refused > 25
