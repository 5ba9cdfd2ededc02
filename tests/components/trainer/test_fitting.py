from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.errors import TrainingError
from components.trainer.fitting import Batched, History, fit
from components.trainer.strategy import mirrored_strategy
from schemas.model import Model
from schemas.preprocessing import Preprocessing
from schemas.training import Training

MODEL = Model(filters=(2,), dense=(), dropout=0.0)
PREPROCESSING = Preprocessing(height=4, width=4, channels=1)
NUM_IMAGES, BATCH_SIZE = 64, 16


def batches(is_wrong: bool = False) -> tf.data.Dataset:
    """Dark and bright images with their class, or with the other one."""
    random = np.random.default_rng(0)
    labels = np.arange(NUM_IMAGES) % 2
    images = random.normal(size=(NUM_IMAGES, 4, 4, 1)).astype(np.float32) + 2 * labels[:, None, None, None] - 1
    told = 1 - labels if is_wrong else labels
    return tf.data.Dataset.from_tensor_slices((images.astype(np.float32), told)).batch(BATCH_SIZE)


def train(
    log_directory: Path, misleads: bool = False, strategy: tf.distribute.Strategy | None = None, **values: Any
) -> tuple[keras.Model, History]:
    """Trains on right labels; `misleads` evaluates on wrong ones, so that every epoch makes it worse."""
    training = Training.model_validate({"epochs": 2, "batch_size": BATCH_SIZE, "learning_rate": 0.05, **values})
    batched = Batched(batches().repeat(), batches(is_wrong=misleads), NUM_IMAGES // BATCH_SIZE)
    # Without another one this is TensorFlow's default, which is there faster than a mirrored one.
    strategy = strategy or tf.distribute.get_strategy()
    return fit(strategy, MODEL, PREPROCESSING, training, batched, 2, str(log_directory))


def evaluated(network: keras.Model, misleads: bool = False) -> dict[str, float]:
    figures: dict[str, float] = network.evaluate(batches(is_wrong=misleads), verbose=0, return_dict=True)
    return figures


def logged_losses(directory: Path) -> list[float]:
    """What TensorBoard would show as the loss of each epoch."""
    [path] = directory.glob("events.out.tfevents.*")
    return [
        float(tf.make_ndarray(value.tensor))
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
        for value in tf.compat.v1.Event.FromString(record).summary.value
        if value.tag == "epoch_loss"
    ]


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop"])
def test_a_network_learns(optimizer: str, tmp_path: Path) -> None:
    """With each optimiser the loss falls, and the history has each figure once per epoch, as plain numbers."""
    network, history = train(tmp_path, strategy=mirrored_strategy(), optimizer=optimizer, epochs=3)
    assert history.keys() == {"loss", "accuracy", "val_loss", "val_accuracy"}
    for values in history.values():
        assert len(values) == 3
        assert all(type(value) is float for value in values)
    assert history["loss"][-1] < history["loss"][0]
    assert history["val_accuracy"][-1] > 0.9
    assert type(network.optimizer).__name__.lower() == optimizer
    assert network.optimizer.get_config()["learning_rate"] == pytest.approx(0.05)


def test_early_stopping_ends_and_restores_the_best_weights(tmp_path: Path) -> None:
    """Without improvement for `patience` epochs training ends, and the network is that of the best epoch."""
    stopping = {"monitor": "val_loss", "patience": 3}
    network, history = train(tmp_path, misleads=True, epochs=20, early_stopping=stopping)
    assert history["val_loss"] == sorted(history["val_loss"])
    assert len(history["val_loss"]) == 4
    assert evaluated(network, misleads=True)["loss"] == pytest.approx(history["val_loss"][0], rel=1e-5)
    assert history["val_loss"][-1] > 1.2 * history["val_loss"][0]


def test_the_best_weights_are_restored_where_the_epochs_end_first(tmp_path: Path) -> None:
    """Where the epochs are over before the patience is, the network is that of the best epoch all the same."""
    network, history = train(tmp_path, misleads=True, epochs=3, early_stopping={"patience": 10})
    assert len(history["val_loss"]) == 3
    assert evaluated(network, misleads=True)["loss"] == pytest.approx(min(history["val_loss"]), rel=1e-5)
    assert min(history["val_loss"]) == history["val_loss"][0]


def test_accuracy_is_watched_for_its_highest(tmp_path: Path) -> None:
    """Monitored by accuracy, the restored network is that of the most accurate epoch."""
    stopping = {"monitor": "val_accuracy", "patience": 5}
    network, history = train(tmp_path, epochs=4, learning_rate=0.005, early_stopping=stopping)
    accuracies = history["val_accuracy"]
    assert max(accuracies) > accuracies[0]
    assert evaluated(network)["accuracy"] == pytest.approx(max(accuracies))


def test_a_small_change_is_no_improvement(tmp_path: Path) -> None:
    """With a `min_delta` that no epoch reaches, a falling loss ends the training."""
    _, history = train(tmp_path, epochs=20, early_stopping={"patience": 2, "min_delta": 100.0})
    assert len(history["val_loss"]) == 3
    assert history["val_loss"][-1] < history["val_loss"][0]


def test_without_early_stopping_all_epochs_count(tmp_path: Path) -> None:
    """Switched off, every epoch is trained and the network is that of the last one."""
    network, history = train(tmp_path, misleads=True, epochs=6, early_stopping=None)
    assert len(history["val_loss"]) == 6
    assert evaluated(network, misleads=True)["loss"] == pytest.approx(history["val_loss"][-1], rel=1e-5)


def test_the_seed_decides_the_weights(tmp_path: Path) -> None:
    """The same seed trains the same network, another seed another one."""
    histories = [train(tmp_path / str(run), seed=seed, epochs=1)[1]["loss"] for run, seed in enumerate((5, 5, 6))]
    assert histories[0] == histories[1]
    assert histories[0] != histories[2]


def test_a_loss_that_is_no_number_is_an_error(tmp_path: Path) -> None:
    """Steps that are too long end the training at once; the error tells the epoch, the rate and what to change."""
    mend = r"lower training\.learning_rate \(now 1e\+30\), and see that preprocessing\.normalization is not 'none'"
    with pytest.raises(TrainingError, match=rf"^the loss became (nan|-?inf) in epoch 1; {mend}$"):
        train(tmp_path, optimizer="sgd", learning_rate=1e30, epochs=5)
    assert len(logged_losses(tmp_path / "train")) == 1


def test_a_network_ruined_by_its_last_step_is_an_error(tmp_path: Path) -> None:
    """Where the training's own loss was measured before the step that ruined it, the eval split's tells."""
    training = Training(optimizer="sgd", learning_rate=1e30, epochs=1, early_stopping=None)
    batched = Batched(batches().repeat(), batches(), 1)
    with pytest.raises(TrainingError, match=r"^the val_loss became (nan|inf) in epoch 1; "):
        fit(tf.distribute.get_strategy(), MODEL, PREPROCESSING, training, batched, 2, str(tmp_path))


def test_tensorboard_can_show_the_training(tmp_path: Path) -> None:
    """There are events of the training and of the evaluation, with the loss of each epoch."""
    _, history = train(tmp_path)
    for part, name in (("train", "loss"), ("validation", "val_loss")):
        np.testing.assert_allclose(logged_losses(tmp_path / part), history[name], rtol=1e-5)
