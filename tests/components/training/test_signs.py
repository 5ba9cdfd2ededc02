from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from components.training.diagnostics import diagnose
from components.training.finding import Finding
from components.training.history import History
from tests.components.training.made_curves import accuracy_of, falling, history, noise
from tests.components.training.recorded import RECORDED


def says(told: History) -> dict[str, Finding]:
    return {finding.sign: finding for finding in diagnose(told)}


@pytest.mark.parametrize("first", [0.69, 2.3, 6.9])
@pytest.mark.parametrize("num_epochs", [3, 5, 30])
def test_big_drop(first: float, num_epochs: int) -> None:
    """The loss falls by a third by the third epoch, from whatever it was: the rate fits."""
    loss = first * np.linspace(1, 0.66, 3)
    loss = np.concatenate([loss, loss[-1] * 0.98 ** np.arange(1, num_epochs - 2)])
    finding = says(history(loss, accuracy_of(loss)))["big_drop"]
    assert (finding.kind, finding.epoch) == ("good", 3)
    assert finding.figures == pytest.approx({"first_loss": first, "third_loss": 0.66 * first, "drop": 0.34})
    assert "34%" in finding.message


def test_a_drop_without_more_right_answers_is_none() -> None:
    """Where only an explosion of the first epoch dies away, nothing is learned."""
    assert says(history([900, 40, 2.31], [0.1, 0.1, 0.1])).keys() == {"diverging"}
    assert "big_drop" not in says(history([1.2, 0.7, 0.6], [0.5, 0.5, 0.5]))


@pytest.mark.parametrize("first", [0.694, 2.31, 6.92])
def test_slow_start(first: float) -> None:
    """Hardly any drop by the third epoch, from the loss of guessing between 2, 10 or 1,000 classes."""
    loss = first * np.array([1, 0.995, 0.99])
    finding = says(history(loss, [0.1, 0.11, 0.12]))["slow_start"]
    assert (finding.kind, finding.epoch) == ("warning", 3)
    assert finding.figures["drop"] == pytest.approx(0.01)
    assert "1.0%" in finding.message


@pytest.mark.parametrize(
    ("loss", "accuracy", "rates"),
    [
        ([0.21, 0.20, 0.20], [0.93, 0.93, 0.94], None),
        ([0.7, 0.69, 0.68], [0.86, 0.86, 0.87], None),
        ([2.31, 2.30, 2.29], [0.1, 0.11, 0.12], [1e-5, 1e-4, 1e-3]),
        ([2.31, 2.60, 2.90], [0.1, 0.11, 0.12], None),
    ],
)
def test_no_slow_start(loss: list[float], accuracy: list[float], rates: list[float] | None) -> None:
    """What was learned before, waits for its warm-up, or rises is not slow."""
    told = history(loss, accuracy)
    if rates:
        told["learning_rate"] = rates
    assert "slow_start" not in says(told)


@pytest.mark.parametrize("num_epochs", [8, 20, 60])
def test_plateau(num_epochs: int) -> None:
    """The loss has stopped falling at an accuracy that is not high; where it is high, there is nothing to say."""
    half = num_epochs // 2
    loss = np.concatenate([falling(half, 2.3, 1.0, 1.0), np.full(num_epochs - half, 1.0)])
    accuracy = np.concatenate([np.linspace(0.2, 0.84, half), np.full(num_epochs - half, 0.85)])
    finding = says(history(loss, accuracy))["plateau"]
    assert finding.kind == "warning"
    assert finding.epoch is not None
    assert half < finding.epoch <= num_epochs - 2
    assert "training.learning_rate" in finding.advice
    assert "plateau" not in says(history(loss, accuracy + 0.14))
    assert "plateau" not in says(history(falling(num_epochs, speed=0.1), accuracy))


def test_a_plateau_of_the_schedule() -> None:
    """Where the rate has fallen to almost nothing, the schedule is to blame."""
    told = history([2.0, 1.5, 1.2, 1.1, 1.1, 1.1, 1.1], [0.3, 0.6, 0.7, 0.8, 0.85, 0.85, 0.85])
    told["learning_rate"] = [0.1, 0.08, 0.05, 0.02, 0.004, 0.002, 0.001]
    assert "training.schedule keep the rate up" in says(told)["plateau"].advice


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("name", ["loss", "val_loss"])
@pytest.mark.parametrize("epoch", [1, 2, 7])
def test_not_a_number(value: float, name: str, epoch: int) -> None:
    """The first epoch with such a loss is told, and nothing else is said of the curves; it stays valid JSON."""
    loss = falling(8)
    told = history(loss, accuracy_of(loss), loss.copy(), accuracy_of(loss))
    told[name][epoch - 1 :] = [value] * (9 - epoch)
    [finding] = diagnose(told)
    assert (finding.sign, finding.kind, finding.epoch) == ("not_a_number", "problem", epoch)
    assert f"the {name} is {value} in epoch {epoch}" in finding.message
    json.dumps(finding.to_json(), allow_nan=False)


@pytest.mark.parametrize("num_epochs", [2, 5, 20])
def test_diverging(num_epochs: int) -> None:
    """The loss rises above a multiple of its first value: told with the epoch from which it does."""
    loss = np.linspace(2.3, 9.2, num_epochs)
    finding = says(history(loss, np.full(num_epochs, 0.1)))["diverging"]
    assert finding.kind == "problem"
    assert finding.epoch == int(np.argmax(loss > 1.5 * 2.3)) + 1
    assert finding.figures["ratio"] == pytest.approx(4)


@pytest.mark.parametrize("first", [4.0, 30.0, 1e6])
def test_a_network_that_the_first_steps_have_ruined(first: float) -> None:
    """A loss far above that of guessing in the first epoch, and nothing but guessing from then on."""
    assert says(history([first, 2.31, 2.303], [0.1, 0.1, 0.1])).keys() == {"diverging"}
    assert "diverging" not in says(history([first, 1.9, 1.5], [0.1, 0.3, 0.5]))


def test_overfitting_is_told_with_its_epoch() -> None:
    """The epoch of the best val_loss, wherever it is, also where all curves are noisy."""
    for turn, seed in itertools.product((3, 6, 12), range(20)):
        num_epochs = turn + 10
        loss = falling(num_epochs, 2.0, 0.02, 0.25) * noise(num_epochs, seed, 0.01)
        epochs = np.arange(1, num_epochs + 1)
        val_loss = (0.5 + 0.015 * (epochs - turn) ** 2) * noise(num_epochs, seed + 100, 0.01)
        finding = says(history(loss, accuracy_of(loss), val_loss, accuracy_of(val_loss)))["overfitting"]
        assert finding.epoch is not None
        assert abs(finding.epoch - turn) <= 1
        assert finding.kind == "problem"
        assert f"from epoch {finding.epoch}" in finding.message


@pytest.mark.parametrize("seed", range(10))
def test_validation_that_stays_flat_is_overfitting_too(seed: int) -> None:
    """Where validation stays where it is while training goes on, that is a warning."""
    loss = falling(16, 2.0, 0.05, 0.3)
    val_loss = np.maximum(falling(16, 2.0, 0.05, 0.3), 0.6) * noise(16, seed, 0.005)
    finding = says(history(loss, accuracy_of(loss), val_loss, accuracy_of(val_loss)))["overfitting"]
    assert finding.kind == "warning"
    assert "stayed flat" in finding.message


def test_training_that_is_not_ahead_is_no_overfitting() -> None:
    """Where training, made harder by dropout, is no better than validation, no image is learned by heart."""
    loss, val_loss = falling(12, 3.0, 0.8), np.full(12, 0.8)
    assert "overfitting" not in says(history(loss, accuracy_of(loss), val_loss, accuracy_of(val_loss)))


@pytest.mark.parametrize("seed", range(20))
def test_one_odd_epoch_is_no_overfitting(seed: int) -> None:
    """A val_loss that jumps once, in the last epoch or before, does not tell of overfitting while it falls."""
    loss = falling(12, speed=0.2) * noise(12, seed, 0.01)
    val_loss = 1.1 * falling(12, speed=0.2) * noise(12, seed + 50, 0.01)
    val_loss[seed % 12] *= 1.3
    assert "overfitting" not in says(history(loss, accuracy_of(loss), val_loss, accuracy_of(val_loss)))


@pytest.mark.parametrize("seed", range(10))
def test_parallel(seed: int) -> None:
    """Both losses still fall, side by side: healthy, and more epochs may help."""
    loss = falling(12, speed=0.15) * noise(12, seed, 0.005)
    val_loss = 1.1 * falling(12, speed=0.15) * noise(12, seed + 50, 0.005)
    found = says(history(loss, accuracy_of(loss), val_loss, accuracy_of(val_loss)))
    assert found["parallel"].kind == "good"
    assert "training.epochs" in found["parallel"].advice
    assert found.keys() <= {"parallel", "big_drop"}


def test_a_validation_that_follows_ever_less_is_not_parallel() -> None:
    """Where training falls many times as fast as validation, the gap opens."""
    loss, val_loss = np.linspace(2.0, 0.2, 12), np.linspace(2.1, 1.9, 12)
    assert "parallel" not in says(history(loss, accuracy_of(loss), val_loss, accuracy_of(val_loss)))


@pytest.mark.parametrize("size", [0.1, 0.3])
@pytest.mark.parametrize("num_epochs", [6, 12, 30])
def test_bouncing(size: float, num_epochs: int) -> None:
    """The loss jumps up and down around its course; a smooth one and a slightly noisy one do not."""
    smooth = falling(num_epochs, 1.5, 0.6)
    jumping = smooth * (1 + size * (-1.0) ** np.arange(num_epochs))
    finding = says(history(jumping, accuracy_of(jumping)))["bouncing"]
    assert finding.kind == "warning"
    assert f"{finding.figures['turns']:.0f} times in {num_epochs} epochs" in finding.message
    assert "training.batch_size" in finding.advice
    for seed in range(20):
        noisy = smooth * noise(num_epochs, seed, 0.01)
        assert "bouncing" not in says(history(noisy, accuracy_of(noisy)))


def test_jumps_of_a_loss_that_is_almost_nothing_do_not_count() -> None:
    """Where nearly all training images are right, jumps are of no account."""
    loss = [0.5, 0.1, 0.01, 0.02, 0.01, 0.02, 0.01, 0.02]
    assert "bouncing" not in says(history(loss, [0.8, 0.97, 0.99, 0.99, 0.99, 0.99, 0.99, 0.99]))


@pytest.mark.parametrize(("level", "kind"), [(0.3, "problem"), (0.7, "warning"), (0.85, None)])
def test_underfitting(level: float, kind: str | None) -> None:
    """Both accuracies stay low and nothing gets better; the lower, the worse."""
    rise = np.minimum(np.linspace(0.1, 1.6 * level, 15), level)
    loss = np.maximum(falling(15, 2.3, 0.5, 0.5), 2 - level)
    found = says(history(loss, rise, 1.02 * loss, rise - 0.01))
    assert (found["underfitting"].kind if "underfitting" in found else None) == kind
    assert "plateau" not in found or kind is None


def test_a_gap_is_no_underfitting() -> None:
    """Where training is far better than validation, the network is large enough."""
    flat = np.ones(10)
    told = history(flat, np.full(10, 0.75), 2.0 * flat, np.full(10, 0.4))
    assert "underfitting" not in says(told)


@pytest.mark.parametrize("num_epochs", [0, 1, 2])
def test_short_histories_say_little(num_epochs: int) -> None:
    """After one or two epochs nothing is said but what is certain: a loss that is no number or has multiplied."""
    for first, last in itertools.product((0.01, 0.7, 2.3, 50.0), (0.01, 0.69, 2.4, 60.0)):
        loss = [first, last][:num_epochs]
        found = says(history(loss, [0.2, 0.5][:num_epochs], loss, [0.2, 0.5][:num_epochs]))
        assert found.keys() == ({"diverging"} if num_epochs == 2 and last > 1.5 * first else set())


@pytest.mark.parametrize("without", [("val_loss", "val_accuracy"), ("accuracy",), ("loss",), ("val_loss",)])
def test_curves_that_are_missing(without: tuple[str, ...]) -> None:
    """A sign whose curves are not all there, or not of one length, keeps silent; others still speak."""
    told = {name: curve for name, curve in RECORDED["overfitting"].items() if name not in without}
    assert "overfitting" not in says(told)
    assert ("big_drop" in says(told)) == (not {"loss", "accuracy"} & set(without))
    shorter = {**RECORDED["overfitting"], **{name: RECORDED["overfitting"][name][:-1] for name in without}}
    assert "overfitting" not in says(shorter)
