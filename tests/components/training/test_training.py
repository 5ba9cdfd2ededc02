from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from components.errors import TrainingError
from components.training.training import TrainingResult, train
from tests.components.training.sample_request import request_over

if TYPE_CHECKING:
    from tests.components.conftest import Sample


def test_a_training_tells_of_itself(prepared: Sample, tmp_path: Path) -> None:
    """Summary, history and findings go to JSON and back; the network's weights are the best epoch's."""
    native = tmp_path / "native"
    network, result = train(request_over(prepared, epochs=4, native_directory=str(native)))
    summary = result.summary
    assert summary["epochs"] == 4
    assert summary["best"]["val_loss"] == min(result.history["val_loss"])
    assert result.history["val_loss"][summary["best_epoch"] - 1] == summary["best"]["val_loss"]
    assert (summary["stopped_by"], summary["initial_weights"]) == ("epochs", "random")
    assert summary["transfer"] is None
    assert TrainingResult.from_json(json.loads(json.dumps(result.to_json()))) == result

    # Keras reads its own formats without this project's code, the optimiser's state included.
    saved = keras.saving.load_model(native / "model.keras")
    for found, expected in zip(saved.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
    steps = request_over(prepared).num_train // prepared.experiment.training.batch_size
    assert int(saved.optimizer.iterations.numpy()) == 4 * steps
    assert float(saved.optimizer.learning_rate.numpy()) == pytest.approx(0.01)
    architecture = keras.models.model_from_json((native / "architecture.json").read_text())
    assert architecture.count_params() == network.count_params()


def test_a_saved_network_starts_another_training(prepared: Sample, tmp_path: Path) -> None:
    """From the whole network a training begins where the first ended; from its base it begins with another head."""
    first = train(request_over(prepared, epochs=6, native_directory=str(tmp_path)))[1]
    reached = first.summary["best"]["val_loss"]
    whole = train(request_over(prepared, epochs=1, learning_rate=1e-9, initial_network=str(tmp_path / "model.keras")))[
        1
    ]
    assert whole.history["val_loss"][0] == pytest.approx(reached, rel=1e-3)
    base = train(request_over(prepared, epochs=1, learning_rate=1e-9, initial_base=str(tmp_path / "base.weights.h5")))[
        1
    ]
    assert base.history["val_loss"][0] > 1.05 * reached
    assert "base.weights.h5" in base.summary["initial_weights"]


def test_positive_transfer_is_told(prepared: Sample, tmp_path: Path) -> None:
    """From weights that fit, the two curves are kept and the training goes on."""
    train(request_over(prepared, epochs=8, native_directory=str(tmp_path)))
    control = {"epochs": 2, "action": "stop"}
    result = train(
        request_over(
            prepared,
            epochs=3,
            transfer={"kind": "distinct", "head_epochs": 2, "group_epochs": 1, "control": control},
            initial_base=str(tmp_path / "base.weights.h5"),
        )
    )[1]
    transfer = result.summary["transfer"]
    assert transfer["is_negative"] is False
    assert transfer["val_loss"] == result.history["val_loss"][:2]
    assert len(transfer["control_val_loss"]) == 2


@pytest.mark.parametrize("action", ["warn", "stop"])
def test_negative_transfer_is_found(action: str, prepared: Sample, tmp_path: Path) -> None:
    """From weights that tell nothing, with the base frozen, the run says that random ones learn better, and obeys."""
    request = request_over(prepared, epochs=1, native_directory=str(tmp_path))
    network, _ = train(request)
    base = network.get_layer("base")
    base.set_weights([np.zeros_like(array) for array in base.get_weights()])
    base.save_weights(tmp_path / "nothing.weights.h5")
    wanted = request_over(
        prepared,
        epochs=4,
        transfer={"kind": "similar", "control": {"epochs": 3, "action": action}},
        initial_base=str(tmp_path / "nothing.weights.h5"),
    )
    if action == "stop":
        with pytest.raises(TrainingError, match=r"learn worse than random ones: val_loss [\d. ]+ against [\d. ]+ over"):
            train(wanted)
    else:
        result = train(wanted)[1]
        assert result.summary["transfer"]["is_negative"] is True
        assert result.summary["epochs"] == 4


@pytest.mark.long
@pytest.mark.parametrize("parallel", [1, 2])
def test_the_best_of_several_initialisations_is_trained(parallel: int, prepared: Sample, tmp_path: Path) -> None:
    """The worse half ends after each epoch; the weights of the best candidate start the training."""
    rules = {"candidates": 3, "epochs": 2, "dropout": 0.2, "l2": 0.01, "parallel": parallel}
    result = train(
        request_over(prepared, epochs=1, initialization=rules, checkpoint_directory=str(tmp_path), learning_rate=1e-9)
    )[1]
    told = result.summary["initialization"]
    assert sorted(len(history["val_loss"]) for history in told["candidates"]) == [1, 2, 2]
    losses = [history["val_loss"] for history in told["candidates"]]
    assert losses[told["best"]][-1] == min(each[-1] for each in losses if len(each) == 2)
    # A step size of nearly nothing leaves the weights that were started from.
    assert result.history["val_loss"][0] == pytest.approx(losses[told["best"]][-1], rel=1e-3)
