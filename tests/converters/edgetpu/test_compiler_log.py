import pytest

from converters.edgetpu.compiler_log import OperatorRow, complaint, crashed, parse

SUCCESS = """Edge TPU Compiler version 16.0.384591198
Started a compilation timeout timer of 180 seconds.

Model compiled successfully in 3173 ms.

Input model: m.tflite
Input size: 7.37MiB
Output model: m_edgetpu.tflite
Output size: 8.34MiB
On-chip memory used for caching model parameters: 6.08MiB
On-chip memory remaining for caching model parameters: 18.00KiB
Off-chip memory used for streaming uncached model parameters: 0.00B
Number of Edge TPU subgraphs: 2
Total number of operations: 49
Operation log: m_edgetpu.log

Model successfully compiled but not all operations are supported by the Edge TPU. […]
Number of operations that will run on Edge TPU: 44
Number of operations that will run on CPU: 5

Operator                       Count      Status

RESIZE_NEAREST_NEIGHBOR        2          Mapped to Edge TPU
CONCATENATION                  1          Operation is otherwise supported, but not mapped due to some limitation
CONCATENATION                  17         Mapped to Edge TPU
CUSTOM                         4          More than one subgraph is not supported
RESHAPE                        12         Tensor has unsupported rank (up to 3 innermost dimensions mapped)
CONV_2D                        25         Mapped to Edge TPU
Compilation child process completed within timeout period.
Compilation succeeded!
"""
LOG_FILE = """Edge TPU Compiler version 14.1.317412892
Input: tiny_yolo.tflite
Output: tiny_yolo_edgetpu.tflite

Operator                       Count      Status

RESIZE_NEAREST_NEIGHBOR        1          Operation version not supported
MAX_POOL_2D                    6          Mapped to Edge TPU
"""
UNREADABLE = """Edge TPU Compiler version 16.0.384591198
ERROR: Didn't find op for builtin opcode 'TRANSPOSE_CONV' version '4'. An older version [...]

ERROR: Registration failed.

Invalid model: m.tflite
Model could not be parsed
"""
LARGE = """Started a compilation timeout timer of 180 seconds.
ERROR: Restored original execution plan after delegate application failure.
Compilation failed: Compilation failed due to large activation tensors in model.
Compilation child process completed within timeout period.
Compilation failed!
"""
SILENT = """Edge TPU Compiler version 16.0.384591198
Started a compilation timeout timer of 180 seconds.
Compilation child process completed within timeout period.
Compilation failed!
"""
ABORT = "Edge TPU Compiler version 15.0.340273435\n\nInternal compiler error. Aborting! \n"
THROWN = SILENT.replace("\nCompilation c", "\nlibc++abi: terminating with uncaught exception of type X\nCompilation c")


def test_what_the_compiler_prints_is_read() -> None:
    log = parse(SUCCESS)
    assert log.version == "16.0.384591198"
    assert (log.on_tpu, log.on_cpu, log.subgraphs) == (44, 5, 2)
    assert (log.input_bytes, log.output_bytes) == (round(7.37 * 2**20), round(8.34 * 2**20))
    assert (log.cached_bytes, log.free_bytes, log.streamed_bytes) == (round(6.08 * 2**20), 18 * 1024, 0)
    assert log.operators[0] == OperatorRow("RESIZE_NEAREST_NEIGHBOR", 2, "Mapped to Edge TPU")
    assert [(row.op, row.count) for row in log.operators[1:]] == [
        ("CONCATENATION", 1),
        ("CONCATENATION", 17),
        ("CUSTOM", 4),
        ("RESHAPE", 12),
        ("CONV_2D", 25),
    ]
    assert log.operators[4].status == "Tensor has unsupported rank (up to 3 innermost dimensions mapped)"
    assert log.operators[1].status.endswith("due to some limitation")


def test_the_log_file_is_read_too() -> None:
    log = parse(LOG_FILE)
    assert [(row.op, row.status) for row in log.operators] == [
        ("RESIZE_NEAREST_NEIGHBOR", "Operation version not supported"),
        ("MAX_POOL_2D", "Mapped to Edge TPU"),
    ]
    assert log.on_tpu is None


@pytest.mark.parametrize("text", ["", "\x00\xff", "Operator Count Status\n9 9", SILENT])
def test_a_text_without_figures_gives_none(text: str) -> None:
    log = parse(text)
    assert log.operators == ()
    assert (log.on_tpu, log.cached_bytes, log.subgraphs) == (None, None, None)


@pytest.mark.parametrize(
    ("text", "said", "crash"),
    [
        (UNREADABLE, "version '4'", False),
        (LARGE, "large activation tensors", False),
        ("Invalid model: m.tflite\nModel not quantized\n", "Model not quantized", False),
        (SILENT, "", True),
        (ABORT, "", True),
        (THROWN, "", True),
    ],
)
def test_faults_of_the_model_are_told_from_failures_of_the_compiler(text: str, said: str, crash: bool) -> None:
    assert said in complaint(text)
    assert bool(said) == bool(complaint(text))
    assert "\n" not in complaint(text)
    assert crashed(text) == crash
