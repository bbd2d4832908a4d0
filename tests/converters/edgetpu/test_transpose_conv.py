from itertools import product

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from converters.edgetpu.check import check
from converters.edgetpu.transpose_conv import lower, saturates_alike
from converters.tflite.objects import write
from converters.tflite.operators import operators

ACTIVATION = schema.ActivationFunctionType
RESOLVERS = (OpResolverType.AUTO, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
EXACT = 6 / 254.5
"""The largest scale at which RELU6 saturates as 8 bits do."""


def tensor(name: str, kind: int, shape: list[int], buffer: int, scales: list[float], zero: int) -> schema.TensorT:
    made = schema.TensorT()
    made.name, made.type, made.shape, made.buffer = name, kind, shape, buffer
    made.quantization = schema.QuantizationParametersT()
    made.quantization.scale, made.quantization.zeroPoint = scales, [zero] * len(scales)
    return made


def model(activation: int, scale: float, zero: int, version: int = 4, kind: int = schema.TensorType.INT8) -> bytes:
    """Four channels doubled to 16x16, such that the outputs cover more than the whole range of the type."""
    rng = np.random.default_rng(0)
    signed = kind == schema.TensorType.INT8
    weights = rng.integers(-127, 128, (4, 2, 2, 4)).astype(np.int8)
    if not signed:
        weights = (weights.astype(np.int16) + 128).astype(np.uint8)
    constants = [np.array([1, 16, 16, 4], "<i4"), weights, rng.integers(-900, 900, 4).astype("<i4")]
    made = schema.ModelT()
    made.version, made.buffers = 3, [schema.BufferT() for _ in range(4)]
    for buffer, values in zip(made.buffers[1:], constants, strict=True):
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.TRANSPOSE_CONV
    code.version = version
    options = schema.TransposeConvOptionsT()
    options.strideH = options.strideW = 2
    options.fusedActivationFunction = activation
    operator = schema.OperatorT()
    operator.inputs, operator.outputs = [1, 2, 0, 3], [4]
    operator.builtinOptionsType, operator.builtinOptions = schema.BuiltinOptions.TransposeConvOptions, options
    graph = schema.SubGraphT()
    graph.name, graph.inputs, graph.outputs, graph.operators = "main", [0], [4], [operator]
    step = scale / 64
    graph.tensors = [
        tensor("in", kind, [1, 8, 8, 4], 0, [1.0], 0 if signed else 128),
        tensor("shape", schema.TensorType.INT32, [4], 1, [], 0),
        tensor("weights", kind, [4, 2, 2, 4], 2, [step] * (4 if signed else 1), 0 if signed else 128),
        tensor("bias", schema.TensorType.INT32, [4], 3, [step] * (4 if signed else 1), 0),
        tensor("net/up/Relu;net/up/conv", kind, [1, 16, 16, 4], 0, [scale], zero),
    ]
    made.operatorCodes, made.subgraphs = [code], [graph]
    return write(made)


def run(data: bytes, resolver: OpResolverType, seeds: int = 6) -> np.ndarray:
    interpreter = Interpreter(model_content=data, experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    given, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    results = []
    for seed in range(seeds):
        pixels = np.random.default_rng(seed).integers(0, 256, given["shape"]).astype(np.uint8)
        interpreter.set_tensor(given["index"], pixels.view(given["dtype"]))
        interpreter.invoke()
        results.append(interpreter.get_tensor(result["index"]))
    return np.stack(results)


CASES = [
    (ACTIVATION.NONE, 0.05, 3, True),
    (ACTIVATION.RELU, 0.05, -128, True),
    (ACTIVATION.RELU, 0.05, -127, False),
    (ACTIVATION.RELU, 0.05, 0, False),
    (ACTIVATION.RELU6, 6 / 255, -128, True),
    (ACTIVATION.RELU6, EXACT * (1 - 1e-6), -128, True),
    (ACTIVATION.RELU6, EXACT * (1 + 1e-6), -128, False),
    (ACTIVATION.RELU6, 0.01, -128, True),
    (ACTIVATION.RELU6, 0.05, -128, False),
    (ACTIVATION.RELU6, 0.01, -100, False),
    (ACTIVATION.RELU_N1_TO_1, 1 / 128, 0, True),
    (ACTIVATION.RELU_N1_TO_1, 1 / 100, 0, False),
]


@pytest.mark.parametrize(("activation", "scale", "zero", "alike"), CASES)
def test_an_operator_is_lowered_exactly_where_its_results_stay_the_same(
    activation: int, scale: float, zero: int, alike: bool
) -> None:
    fused, plain = model(activation, scale, zero), model(ACTIVATION.NONE, scale, zero, version=3)
    lowered = lower(fused)
    assert bool(lowered.layers) == alike
    assert bool(lowered.refused) != alike
    reference = RESOLVERS[1]
    before = run(fused, reference)
    assert {before.min(), before.max()} <= {-128, 127} or not alike  # the whole range was met
    assert np.array_equal(before, run(plain, reference)) == alike
    if alike:
        for resolver in RESOLVERS:
            assert np.array_equal(run(fused, resolver), run(lowered.data, resolver))
        assert [(each.op, each.version) for each in operators(lowered.data)] == [("TRANSPOSE_CONV", 3)]
        assert check(fused).rejected
        assert not check(lowered.data).rejected
    else:
        assert lowered.data == fused
        assert "operator 0 (TRANSPOSE_CONV, net/up/Relu;net/up/conv)" in lowered.refused[0]


@pytest.mark.parametrize(("zero", "alike"), [(0, True), (1, False)])
def test_uint8_has_its_zero_point_at_0(zero: int, alike: bool) -> None:
    fused = model(ACTIVATION.RELU, 0.05, zero, kind=schema.TensorType.UINT8)
    lowered = lower(fused)
    assert bool(lowered.layers) == alike
    if alike:
        assert np.array_equal(run(fused, RESOLVERS[1]), run(lowered.data, RESOLVERS[1]))


def test_nothing_else_in_the_file_changes() -> None:
    fused = model(ACTIVATION.RELU, 0.05, -128)
    lowered = lower(fused).data
    assert len(lowered) == len(fused)
    assert [(a, b) for a, b in zip(fused, lowered, strict=True) if a != b] in ([(4, 3), (1, 0)], [(1, 0), (4, 3)])


def test_other_versions_are_left_alone() -> None:
    for version in (1, 2, 3, 5):
        data = model(ACTIVATION.NONE, 0.05, 0, version=version)
        assert lower(data) == lower(lower(data).data)
        assert lower(data).data is data


def test_activations_that_transposed_convolutions_do_not_have_are_refused() -> None:
    for activation, zero in product((ACTIVATION.TANH, ACTIVATION.SIGN_BIT, 99), (-128, 0)):
        assert not saturates_alike(activation, 0.001, zero, -128, 127)


@pytest.mark.parametrize("activation", ["relu", "relu6"])
def test_what_tensorflow_fuses_is_lowered_with_the_same_results(activation: str) -> None:
    keras, tf = pytest.importorskip("keras"), pytest.importorskip("tensorflow")
    given = keras.Input((8, 8, 4), batch_size=1)
    options = {"padding": "same", "bias_initializer": "random_normal", "name": "up"}
    up = keras.layers.Conv2DTranspose(4, 3, 2, activation=activation, **options)(given)
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(given, up))
    rng = np.random.default_rng(0)
    converter.representative_dataset = lambda: ([rng.normal(0, 9, (1, 8, 8, 4)).astype("f4")] for _ in range(20))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    data = converter.convert()
    assert ("TRANSPOSE_CONV", 4) in [(each.op, each.version) for each in operators(data)]
    lowered = lower(data)
    assert not lowered.refused
    assert ("TRANSPOSE_CONV", 3) in [(each.op, each.version) for each in operators(lowered.data)]
    for resolver in RESOLVERS:
        assert np.array_equal(run(data, resolver), run(lowered.data, resolver))
