import numpy as np
import pytest

from edgeseg.training.backend import keras
from edgeseg.training.optimizer import make_optimizer
from edgeseg.training.settings import configure


def test_the_average_of_few_steps_spans_few_and_that_of_many_as_many_as_was_asked() -> None:
    variable = keras.Variable(np.zeros((1, 2), np.float32), name="kernel")
    config = configure({"epochs": 100, "ema_steps": 30, "warmup_steps": 1, "weight_decay": 0.0})
    optimizer = make_optimizer(config, 10)
    optimizer.build([variable])
    seen, wanted = [], None
    for step in range(400):
        optimizer.apply([np.ones((1, 2), np.float32)])
        seen.append(keras.ops.convert_to_numpy(variable).copy())
        keep = min(30 / 31, step / (step + 9))
        wanted = seen[0] if wanted is None else keep * wanted + (1 - keep) * seen[-1]
        if step in (0, 10, 100, 399):
            found = keras.ops.convert_to_numpy(optimizer._model_variables_moving_average[0])
            assert found == pytest.approx(wanted, rel=1e-3)
    assert not np.allclose(seen[0], seen[-1], rtol=0.5)
