import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeseg.bench.peer import mediapipe
from edgeseg.bench.result import Setting
from edgeseg.errors import UsageError

PYTHON = Path(__file__).parents[2] / ".venv-mediapipe" / "bin" / "python"


def test_a_model_of_class_ids_cannot_be_compared() -> None:
    (result,) = mediapipe(Setting("stub:?output=labels"))
    assert result.value is None
    assert "quantize --output scores" in result.detail


def test_without_mediapipe_it_says_what_it_needs() -> None:
    (result,) = mediapipe(Setting("stub:?output=logits", mediapipe=Path(sys.executable)))
    assert result.value is None
    assert "--mediapipe" in result.detail


def test_a_python_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be run"):
        list(mediapipe(Setting("stub:?output=logits", mediapipe=tmp_path / "python")))


@pytest.mark.slow
@pytest.mark.skipif(not PYTHON.is_file(), reason="needs .venv-mediapipe, which make test-slow makes")
def test_both_segment_the_same_file(models: Callable[[str, str], Path]) -> None:
    setting = Setting(str(models("int8", "scores")), rounds=1, block_s=0.1, mediapipe=PYTHON)
    (result,) = mediapipe(setting)
    if "shared object" in result.detail:
        pytest.skip("MediaPipe needs libraries of the system: apt install libegl1 libgles2")
    assert result.value is not None
    assert result.value > 0
    assert "without its confidences" in result.detail
    assert result.goal == 6.0
