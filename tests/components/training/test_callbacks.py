from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.errors import TrainingError
from components.training.callbacks import BestWeights, Divergence, Stop, Targets, TensorBoard
from schemas.training import EarlyStopping, Objectives, Training


def best_weights(**values: Any) -> tuple[BestWeights, list[np.ndarray]]:
    """The callback, and the weights that it will read."""
    weights = [np.zeros(1)]
    return BestWeights(EarlyStopping.model_validate(values), lambda: [array.copy() for array in weights]), weights


def watch(callback: BestWeights, weights: list[np.ndarray], name: str, values: list[float]) -> list[Stop | None]:
    """What it says to each epoch; the weights are the epoch's number."""
    stops = []
    for epoch, value in enumerate(values, start=1):
        weights[0][:] = epoch
        stops.append(callback.end_epoch(epoch, {name: value}))
    return stops


def test_a_phase_ends_when_patience_does() -> None:
    """After `patience` epochs without improvement the phase ends, and the best epoch's weights are kept."""
    callback, weights = best_weights(patience=2)
    stops = watch(callback, weights, "val_loss", [3.0, 1.0, 2.0, 1.5])
    assert stops == [None, None, None, Stop("early_stopping", ends_all=False)]
    assert callback.epoch == 2
    assert callback.weights[0].tolist() == [2.0]


def test_accuracy_is_best_when_highest() -> None:
    """Monitored by accuracy, more is better."""
    callback, weights = best_weights(monitor="val_accuracy", patience=5)
    watch(callback, weights, "val_accuracy", [0.5, 0.9, 0.7])
    assert callback.epoch == 2


def test_too_small_a_change_is_none() -> None:
    """What improves by less than `min_delta` neither is best nor renews the patience."""
    callback, weights = best_weights(patience=1, min_delta=0.5)
    assert watch(callback, weights, "val_loss", [3.0, 2.6]) == [None, Stop("early_stopping", ends_all=False)]
    assert callback.epoch == 1


def test_patience_is_granted_anew_in_each_phase() -> None:
    """Another phase waits as long again, but must beat the best of the one before."""
    callback, weights = best_weights(patience=2)
    watch(callback, weights, "val_loss", [1.0, 2.0])
    callback.begin_phase()
    assert callback.end_epoch(3, {"val_loss": 1.5}) is None
    assert callback.epoch == 1


def test_early_stopping_goes_on_after_a_restart() -> None:
    """State and weights given to a new callback make it decide as the first would have."""
    first, weights = best_weights(patience=2)
    watch(first, weights, "val_loss", [1.0, 2.0])
    second, _ = best_weights(patience=2)
    second.restore(first.arrays(), first.state())
    assert second.end_epoch(3, {"val_loss": 1.5}) == Stop("early_stopping", ends_all=False)
    assert (second.epoch, second.weights[0].tolist()) == (1, [1.0])


@pytest.mark.parametrize(
    ("objectives", "seconds", "reason"),
    [
        ({"accuracy": 0.9}, 0, "accuracy"),
        ({"loss": 0.3}, 0, "loss"),
        ({"minutes": 2}, 120, "minutes"),
        ({"accuracy": 0.91}, 0, None),
        ({"loss": 0.29}, 0, None),
        ({"minutes": 2}, 119, None),
        ({}, 1e9, None),
    ],
)
def test_an_objective_ends_the_training(objectives: dict[str, float], seconds: float, reason: str | None) -> None:
    """Met by the eval split, or its time over, it ends the training as a whole; short of it, nothing ends."""
    stop = Targets(Objectives.model_validate(objectives), lambda: seconds).end_epoch(
        1, {"val_accuracy": 0.9, "val_loss": 0.3}
    )
    assert stop == (Stop(reason, ends_all=True) if reason else None)


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("name", ["loss", "val_loss"])
def test_a_loss_that_is_no_number_is_refused(name: str, value: float) -> None:
    """The error tells the figure, the epoch, the rate and what to change."""
    figures = {"loss": 1.0, "val_loss": 1.0, name: value}
    mend = r"lower training\.learning_rate \(now 0\.5\), and see that preprocessing\.normalization is not 'none'"
    with pytest.raises(TrainingError, match=rf"^the {name} became (nan|inf) in epoch 4; {mend}$"):
        Divergence(Training(learning_rate=0.5)).end_epoch(4, figures)


def test_a_loss_that_rises_far_is_refused() -> None:
    """Above the multiple of the first epoch's loss training ends; at it, or with null, it goes on."""
    callback = Divergence(Training.model_validate({"objectives": {"divergence": 3}}))
    for epoch, loss in enumerate((2.0, 6.0), start=1):
        assert callback.end_epoch(epoch, {"loss": loss, "val_loss": 1.0}) is None
    with pytest.raises(TrainingError, match=r"^the loss rose from 2 to 6\.1 in epoch 3, more than 3 times; "):
        callback.end_epoch(3, {"loss": 6.1, "val_loss": 1.0})
    tolerant = Divergence(Training.model_validate({"objectives": {"divergence": None}}))
    for epoch, loss in enumerate((2.0, 600.0), start=1):
        assert tolerant.end_epoch(epoch, {"loss": loss, "val_loss": 1.0}) is None


def test_tensorboard_can_show_the_training(tmp_path: Path) -> None:
    """Figures of the training and of the evaluation are events of their own, under Keras's names."""
    board = TensorBoard(str(tmp_path), 10)
    for epoch in (1, 2):
        board.end_epoch(epoch, {"loss": 1.0 / epoch, "val_loss": 2.0 / epoch})
    seen = {}
    for part in ("train", "validation"):
        [path] = (tmp_path / part).glob("events.out.tfevents.*")
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(record)
            for value in event.summary.value:
                seen[part, value.tag, event.step] = float(tf.make_ndarray(value.tensor))
    assert seen == {
        ("train", "epoch_loss", 0): 1.0,
        ("train", "epoch_loss", 1): 0.5,
        ("validation", "epoch_loss", 0): 2.0,
        ("validation", "epoch_loss", 1): 1.0,
        ("validation", "evaluation_loss_vs_iterations", 10): 2.0,
        ("validation", "evaluation_loss_vs_iterations", 20): 1.0,
    }
