from collections.abc import Callable
from pathlib import Path

import pytest

from converters import litert
from converters.job import Options
from converters.judge import Judge
from converters.layers import layer_of
from converters.material import Converted, Material
from converters.schemes import int8, mixed
from converters.sources.tflite import TfliteSource
from converters.tflite.integer_ends import integer_ends
from converters.tflite.operators import operators
from edgeseg.compare import unlabelled
from edgeseg.errors import ConversionError, UsageError
from edgeseg.labels import Labels
from tests.converters.opposed import CLASSES, OFFSET, SIZE, network, write_pictures

MakeMaterial = Callable[..., Material]
BUDGET = 5.0


@pytest.fixture(scope="module")
def source(to_tflite: Callable[..., bytes], tmp_path_factory: pytest.TempPathFactory) -> TfliteSource:
    path = tmp_path_factory.mktemp("opposed") / "net.tflite"
    path.write_bytes(to_tflite((1, *SIZE, 3), network(OFFSET)))
    return TfliteSource(path, (0.0, 1.0))


@pytest.fixture(scope="module")
def material(source: TfliteSource, tmp_path_factory: pytest.TempPathFactory) -> MakeMaterial:
    """A function from options to material; what counts is agreement with the source's own masks."""
    paths = write_pictures(tmp_path_factory.mktemp("pictures"), 12)

    def judge() -> Judge:
        def write(path: Path, data: bytes) -> None:
            path.write_bytes(data)

        return Judge(unlabelled(paths), source.predictor, Labels.numbered(CLASSES), write, lambda tried: None)

    def make(**options: object) -> Material:
        return Material(source, Options(**options), paths[:8], judge, lambda *at: None)

    return make


@pytest.fixture(scope="module")
def searched(material: MakeMaterial) -> Converted:
    return mixed.convert(material(max_drop=BUDGET))


def in_float(data: bytes) -> set[str]:
    """Outputs of the operators that compute in float, as the file has it."""
    return {
        each.outputs[0].name
        for each in operators(data)
        if each.op not in ("QUANTIZE", "DEQUANTIZE")
        and any(tensor.dtype == "float32" for tensor in (*each.inputs, *each.outputs) if not tensor.constant)
    }


def kept_as(material: Material, kept: set[str]) -> float:
    """What a model with these operators in float loses."""
    data = litert.quantize(material.float_model, material.ranges, "int8", kept)
    return material.judge(integer_ends(data))


def test_int8_alone_is_lost_here(material: MakeMaterial) -> None:
    whole = material()
    assert whole.judge(int8.convert(whole).data) > 50


def test_the_search_keeps_the_budget_and_says_how(material: MakeMaterial, searched: Converted) -> None:
    drop = material().judge(searched.data)
    assert drop <= BUDGET
    assert 0 < len(searched.float_layers) < len(operators(material().float_model))
    (words,) = searched.notes
    assert words.startswith(f"{len(searched.float_layers)} of 6 layers stay float: int8 wherever it can be loses ")
    assert f"this {drop:.2f} (budget 5;" in words


def test_the_layers_at_fault_are_among_those_in_float(searched: Converted) -> None:
    assert {layer_of(name) for name in searched.float_layers} >= {"left", "right", "sum"}


def test_exactly_what_is_named_stays_float_in_the_file(searched: Converted) -> None:
    assert in_float(searched.data) == set(searched.float_layers)


def test_what_it_costs_can_be_told_from_plain_int8(searched: Converted) -> None:
    assert searched.plain is not None
    assert in_float(searched.plain) == set()


def test_no_member_can_be_spared(material: MakeMaterial, searched: Converted) -> None:
    for name in searched.float_layers:
        assert kept_as(material(), set(searched.float_layers) - {name}) > BUDGET


def test_a_network_that_int8_serves_keeps_no_layer_in_float(material: MakeMaterial) -> None:
    easy = mixed.convert(material(max_drop=100.0))
    assert easy.float_layers == ()
    assert easy.plain is None
    assert in_float(easy.data) == set()
    assert "0 of 6 layers stay float" in easy.notes[0]


def test_a_budget_that_nothing_keeps_is_refused(material: MakeMaterial) -> None:
    with pytest.raises(ConversionError, match=r"every layer in float the model loses 0\.00 points .* larger --max-dr"):
        mixed.convert(material(max_drop=-50.0))


@pytest.mark.parametrize(
    ("patterns", "layers"),
    [
        (("left",), {"left"}),
        (("left", "su."), {"left", "sum"}),
        (("le.t|right",), {"left", "right"}),
        ((".*",), {"stem", "deep", "left", "right", "sum", "output"}),
    ],
)
def test_the_layers_asked_for_stay_float_and_no_others(
    material: MakeMaterial, patterns: tuple[str, ...], layers: set[str]
) -> None:
    found = mixed.convert(material(keep_float=patterns))
    assert {layer_of(name) for name in found.float_layers} == layers
    assert in_float(found.data) == set(found.float_layers)
    assert found.notes == (f"as asked, {len(layers)} of 6 layers stay float",)
    assert operators(found.data)[0].inputs[0].dtype == "uint8"


def test_a_layer_that_is_not_there_is_refused_with_near_ones(material: MakeMaterial) -> None:
    with pytest.raises(UsageError) as caught:
        mixed.convert(material(keep_float=("left", "rigth")))
    assert str(caught.value).startswith("--keep-float 'rigth' matches no layer; near are right")
    assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match=r"'xyzzy' matches no layer; near are stem, deep, left, right, sum"):
        mixed.convert(material(keep_float=("xyzzy",)))


def test_a_pattern_that_is_none_is_refused(material: MakeMaterial) -> None:
    with pytest.raises(UsageError, match=r"--keep-float '\(' is no regular expression"):
        mixed.convert(material(keep_float=("(",)))
