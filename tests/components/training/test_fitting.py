from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from components.errors import TrainingError
from components.networks.groups import groups_of
from components.networks.network import base_of, build_network
from components.networks.weights import save_native
from components.training.callbacks import Callback, Figures
from components.training.fitting import Fitted, fit
from schemas.model import Model
from tests.components.training.trainings import NUM_IMAGES, feeds, images, request, trained


def loss_of(network: keras.Model, misleads: bool = False) -> float:
    """Mean cross-entropy over the eval images, computed apart from the loop."""
    examples = images(is_wrong=misleads)
    logits = np.asarray(network(examples.pixels.astype(np.float32) / 255), np.float64)
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return float(-np.log(chances[np.arange(NUM_IMAGES), examples.labels]).mean())


def weights_of(fitted: Fitted) -> list[np.ndarray]:
    weights: list[np.ndarray] = fitted.network.get_weights()
    return weights


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop"])
def test_a_network_learns(optimizer: str) -> None:
    """The loss falls; the history has each figure once per epoch, as plain numbers that are true of the weights."""
    fitted = trained(optimizer=optimizer, epochs=4)
    assert set(fitted.history) == {
        *("loss", "accuracy", "val_loss", "val_accuracy", "val_precision", "val_recall", "val_f1"),
        *("learning_rate", "seconds"),
    }
    for values in fitted.history.values():
        assert len(values) == 4
        assert all(type(value) is float for value in values)
    assert fitted.history["loss"][-1] < fitted.history["loss"][0]
    assert loss_of(fitted.network) == pytest.approx(min(fitted.history["val_loss"]), rel=1e-4)
    assert fitted.stopped_by == "epochs"


def test_early_stopping_ends_and_restores_the_best_weights() -> None:
    """Without improvement for `patience` epochs training ends, and the network is that of the best epoch."""
    fitted = trained(misleads=True, epochs=20, early_stopping={"patience": 3})
    losses = fitted.history["val_loss"]
    best = int(np.argmin(losses)) + 1
    assert len(losses) == best + 3 < 20
    assert (fitted.best_epoch, fitted.stopped_by) == (best, "early_stopping")
    assert losses[-1] > 1.1 * losses[best - 1]
    assert loss_of(fitted.network, misleads=True) == pytest.approx(losses[best - 1], rel=1e-4)


def test_without_early_stopping_all_epochs_count() -> None:
    """Switched off, every epoch is trained and the network is that of the last one."""
    fitted = trained(misleads=True, epochs=6, early_stopping=None)
    assert (len(fitted.history["loss"]), fitted.best_epoch) == (6, 6)
    assert loss_of(fitted.network, misleads=True) == pytest.approx(fitted.history["val_loss"][-1], rel=1e-4)


@pytest.mark.parametrize(("objective", "value"), [("accuracy", 0.75), ("loss", 0.6)])
def test_an_objective_ends_the_training(objective: str, value: float) -> None:
    """Once the eval split reaches the target the training ends, and not before."""
    fitted = trained(epochs=40, objectives={objective: value})
    reached = [
        figure >= value if objective == "accuracy" else figure <= value for figure in fitted.history[f"val_{objective}"]
    ]
    assert fitted.stopped_by == objective
    assert reached == [False] * (len(reached) - 1) + [True]


def test_a_time_budget_ends_the_training() -> None:
    """After the epoch in which the minutes are over, no other begins."""
    fitted = trained(epochs=500, early_stopping=None, objectives={"minutes": 0.01})
    assert fitted.stopped_by == "minutes"
    assert 1 <= len(fitted.history["loss"]) < 500
    assert fitted.seconds >= 0.6


def test_a_loss_that_is_no_number_is_an_error() -> None:
    """Steps that are too long end the training; the error tells what to change."""
    with pytest.raises(TrainingError, match=r"became (nan|-?inf) in epoch \d; lower training\.learning_rate"):
        trained(optimizer="sgd", learning_rate=1e30, epochs=5)


def test_the_seed_decides_the_weights() -> None:
    """The same seed trains the same network, another seed another one."""
    first, second, other = (trained(seed=seed, model={"dropout": 0.5}) for seed in (5, 5, 6))
    assert first.history["loss"] == second.history["loss"]
    assert first.history["loss"] != other.history["loss"]


def test_augmentation_is_for_training_alone() -> None:
    """With images that are varied the eval split's loss is still that of the images as they are."""
    fitted = trained(augmentation={"brightness": 1.0, "flip": "both", "translation": 0.3}, epochs=3)
    plain = trained(epochs=3)
    assert fitted.history["loss"] != plain.history["loss"]
    assert loss_of(fitted.network) == pytest.approx(min(fitted.history["val_loss"]), rel=1e-4)


def test_class_weights_change_what_is_learned() -> None:
    """A class that weighs a hundred times as much is what most images are taken for."""
    fitted = trained(class_weights={"bright": 100.0}, epochs=2, learning_rate=0.01, early_stopping=None)
    answers = np.argmax(fitted.network(images().pixels.astype(np.float32) / 255), axis=1)
    assert np.mean(answers) > 0.8


@pytest.mark.parametrize(
    "values", [{"steps_per_execution": 3}, {"precision": "mixed_bfloat16"}, {"xla": True}], ids=str
)
def test_how_steps_are_carried_out_does_not_change_what_is_learned(values: dict[str, Any]) -> None:
    """Several steps at a time, 16 bits and XLA give the same losses, within their precision."""
    expected, found = trained(epochs=3).history["loss"], trained(epochs=3, **values).history["loss"]
    assert found == pytest.approx(expected, rel=0.02 if "precision" in values else 1e-4)


@pytest.mark.parametrize(
    "values",
    [
        {"optimizer": "adam", "model": {"dropout": 0.3}, "augmentation": {"translation": 0.2, "mixup": 0.2}},
        {"optimizer": "sgd", "momentum": 0.9, "schedule": {"kind": "cosine", "warm_up_epochs": 1}},
        {"transfer": {"kind": "distinct", "head_epochs": 2, "group_epochs": 1}, "model": {"filters": [2, 2, 2]}},
        {"early_stopping": {"patience": 2}, "misleads": True},
    ],
    ids=["random state", "schedule", "phases", "early stopping"],
)
def test_a_training_goes_on_where_it_left_off(values: dict[str, Any], tmp_path: Path) -> None:
    """Ended after any epoch and started anew, a training ends with the very weights that it would have had."""
    misleads = values.pop("misleads", False)
    whole = trained(misleads, epochs=4, checkpoint_directory=str(tmp_path / "whole"), **values)
    wanted = request(epochs=4, checkpoint_directory=str(tmp_path / "parts"), **values)
    attempts = 0
    fitted = None
    while fitted is None:
        attempts += 1
        try:
            fitted = fit(wanted, [_EndsAfter()], feeds=feeds(wanted, misleads))
        except _Ended:
            assert attempts < 10
    assert attempts > 1
    assert fitted.resumed_from is not None
    for found, expected in zip(weights_of(fitted), weights_of(whole), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert {**fitted.history, "seconds": []} == {**whole.history, "seconds": []}
    assert (fitted.best_epoch, fitted.stopped_by) == (whole.best_epoch, whole.stopped_by)


class _Ended(Exception):
    pass


class _EndsAfter(Callback):
    """Ends each attempt before the checkpoint of its second epoch is written."""

    def __init__(self) -> None:
        self._left = 2

    def end_epoch(self, epoch: int, figures: Figures) -> None:
        self._left -= 1
        if self._left == 0 and epoch < 4:
            raise _Ended


def test_a_finished_training_is_not_repeated(tmp_path: Path) -> None:
    """Where the last checkpoint is that of the end, the network is there at once."""
    directory = str(tmp_path)
    whole = trained(epochs=3, checkpoint_directory=directory)
    again = trained(epochs=3, checkpoint_directory=directory)
    assert again.resumed_from == 3
    assert again.history == whole.history
    np.testing.assert_array_equal(weights_of(again)[0], weights_of(whole)[0])


def test_checkpoints_follow_their_rules(tmp_path: Path) -> None:
    """Every n epochs, and at the end; with `best_only` when the monitored figure has improved; `keep` of them."""

    def epochs_in(name: str, **values: Any) -> list[int]:
        trained(misleads=True, epochs=5, early_stopping=None, checkpoint_directory=str(tmp_path / name), **values)
        return sorted(int(path.name.removeprefix("epoch-")) for path in (tmp_path / name).iterdir())

    assert epochs_in("every", checkpoints={"every": 2, "keep": 9}) == [2, 4, 5]
    assert epochs_in("keep", checkpoints={"keep": 2}) == [4, 5]
    kept = epochs_in("best", checkpoints={"best_only": True, "keep": 9})
    # The first epoch is better than none, the end is always kept, and every epoch makes it worse from the second on.
    assert kept[0] == 1
    assert kept[-1] == 5
    assert len(kept) < 5


def test_transfer_leaves_the_base_as_it_was_given(tmp_path: Path) -> None:
    """With similar transfer the base keeps the file's weights to the last bit, statistics too; the head learns."""
    model = {"backbone": "small_resnet", "filters": [2, 4], "depth": 1}
    given = build_network(Model.model_validate({**model, "dense": []}), request().preprocessing, 2)
    save_native(given, str(tmp_path))
    weights = {"file": str(tmp_path / "base.weights.h5")}
    fitted = trained(model={**model, "weights": weights}, transfer={"kind": "similar"}, epochs=2)
    for found, expected in zip(base_of(fitted.network).get_weights(), base_of(given).get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert weights["file"] in fitted.initial_weights
    assert fitted.history["loss"][1] < fitted.history["loss"][0]


def test_distinct_transfer_moves_all_of_the_base(tmp_path: Path) -> None:
    """In the end every group has learned, the stem too, at the lower rate."""
    model = {"filters": [2, 2, 2]}
    given = build_network(Model.model_validate({**model, "dense": [], "dropout": 0.0}), request().preprocessing, 2)
    save_native(given, str(tmp_path))
    fitted = trained(
        model={**model, "weights": {"file": str(tmp_path / "base.weights.h5")}},
        transfer={"kind": "distinct", "head_epochs": 1, "group_epochs": 1, "rate_factor": 0.1},
        early_stopping=None,
        epochs=4,
    )
    for group, before in zip(groups_of(base_of(fitted.network)), groups_of(base_of(given)), strict=True):
        for layer, old in zip(group, before, strict=True):
            assert not np.array_equal(layer.get_weights()[0], old.get_weights()[0])
    assert fitted.history["learning_rate"] == pytest.approx([0.05, 0.005, 0.005, 0.005])


def test_a_whole_network_can_be_started_from(tmp_path: Path) -> None:
    """A warm start begins with the loss that the earlier network ended with."""
    first = trained(epochs=6)
    plain = build_network(request().model, request().preprocessing, 2)
    plain.set_weights(weights_of(first))
    save_native(plain, str(tmp_path))
    second = trained(epochs=1, learning_rate=1e-9, initial_network=str(tmp_path / "model.keras"))
    assert second.history["val_loss"][0] == pytest.approx(min(first.history["val_loss"]), rel=1e-4)
    assert second.initial_weights.startswith("all of ")
