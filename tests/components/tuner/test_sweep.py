from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest

from components.errors import TrainingError
from components.tuner.outcome import Outcome
from components.tuner.sweep import guessing_loss, judge, sweep
from components.tuner.trainings import Trainings
from schemas.training import Objectives, Schedule, Training
from schemas.tuning import Sweep
from tests.components.tuner.instant import InstantWorkers, learned

if TYPE_CHECKING:
    from pathlib import Path

    from components.training.request import TrainingRequest

RATES = [0.1, 0.01, 0.001]
GUESSING = math.log(10)


def ended(losses: list[float], val_loss: float) -> Outcome:
    return Outcome({"loss": losses, "val_loss": [9.0] * (len(losses) - 1) + [val_loss]}, 1.0, len(losses))


def test_the_lowest_loss_on_the_eval_split_is_chosen() -> None:
    """With the reason in a sentence: the figures of all rates, and which diverge."""
    swept = judge(RATES, [ended([9.0, 2.302], 2.3), ended([1.0, 0.6], 0.7), ended([1.2, 0.8], 0.6)], GUESSING)
    assert swept.rate == 0.001
    assert swept.reason == (
        "lowest val_loss after 2 epochs, 0.6000 (0.01: 0.7000); 0.1 diverges: its loss ends at 2.302,"
        " no better than guessing (2.303), which a lower rate avoids"
    )


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (ended([9.0, 2.31], 2.3), "its loss ends at 2.31, no better than guessing"),
        (ended([2.29], 2.3), "no better than guessing"),
        (ended([1.0, 1.5], 0.1), "its loss rises from 1 to 1.5"),
        (Outcome({"loss": [2.0]}, 1.0, reason="the loss became nan in epoch 2"), "the loss became nan in epoch 2"),
    ],
)
def test_what_shows_that_a_rate_is_too_high(outcome: Outcome, reason: str) -> None:
    """A loss that is no number, rises, or ends where guessing would: never chosen, however low its val_loss."""
    swept = judge(RATES, [outcome, ended([1.0, 0.6], 0.7), ended([1.2, 0.8], 0.9)], GUESSING)
    assert swept.rate == 0.01
    assert reason in str(swept.curve[0].divergence)
    assert [point.divergence for point in swept.curve[1:]] == [None, None]


def test_a_rate_that_is_too_low_does_not_diverge() -> None:
    """It has learned nothing yet, too, but no lower rate does better."""
    swept = judge(RATES, [ended([1.0, 0.6], 0.7), ended([2.2, 2.1], 2.0), ended([2.4, 2.35], 2.3)], GUESSING)
    assert [point.divergence for point in swept.curve] == [None, None, None]


def test_where_no_rate_learns_that_is_told() -> None:
    """The best is chosen all the same."""
    swept = judge(RATES, [ended([2.31, 2.30], 2.30), ended([2.4, 2.35], 2.34), ended([2.5, 2.4], 2.4)], GUESSING)
    assert swept.rate == 0.1
    assert swept.reason.endswith("yet no rate does better than guessing the classes")


def test_a_rate_whose_process_was_killed_is_not_judged() -> None:
    """It is neither chosen nor called diverging."""
    swept = judge(RATES, [Outcome(reason="killed", is_final=False), *[ended([1.0, 0.6], 0.7)] * 2], GUESSING)
    assert swept.curve[0].divergence is None
    # Of equal rates the lower one.
    assert swept.rate == 0.001
    assert "0.1 failed: killed" in swept.reason


def test_where_no_rate_can_be_used_the_way_out_is_told() -> None:
    """Each rate with what is wrong with it."""
    with pytest.raises(TrainingError, match=r"0\.1 diverges: its loss rises.*0\.001 failed: killed.*Add lower rates"):
        judge(RATES, [ended([1.0, 2.0], 1.0)] * 2 + [Outcome(reason="killed", is_final=False)], GUESSING)


def test_the_curve_is_json() -> None:
    """Losses that are no finite numbers are null."""
    outcomes = [Outcome({"loss": [math.nan], "val_loss": [math.inf]}, reason="nan"), *[ended([1.0, 0.5], 0.5)] * 2]
    points = [point.to_json() for point in judge(RATES, outcomes, GUESSING).curve]
    assert json.loads(json.dumps(points, allow_nan=False)) == points
    assert points[0] == {"rate": 0.1, "is_diverging": True, "reason": "nan", "loss": [None], "val_loss": [None]}
    assert points[1] == {
        "rate": 0.01,
        "is_diverging": False,
        "reason": None,
        "loss": [1.0, 0.5],
        "val_loss": [9.0, 0.5],
    }


def test_guessing_knows_how_often_classes_are(short: TrainingRequest) -> None:
    """The entropy of the classes, and with weights the least weighed loss that a constant answer has."""

    def loss(counts: tuple[int, ...], **training: object) -> float:
        changes = {"class_counts": counts, "training": Training.model_validate(training)}
        return guessing_loss(short.model_copy(update=changes))

    assert loss((5, 5, 5)) == pytest.approx(math.log(3))
    assert loss((8, 8, 0)) == pytest.approx(math.log(2))
    assert loss((9, 1, 0)) == pytest.approx(-0.9 * math.log(0.9) - 0.1 * math.log(0.1))
    assert loss((90, 5, 5), class_weights="balanced") == pytest.approx(math.log(3))


def test_all_rates_start_alike(short: TrainingRequest, tmp_path: Path) -> None:
    """Each at its own rate, kept constant, with the same seed, for all epochs, whatever the training itself does."""
    changes = {"schedule": Schedule(kind="cosine"), "optimizer": "sgd", "seed": 7}
    base = short.model_copy(update={"training": short.training.model_copy(update=changes)})
    workers = InstantWorkers(2, learned)
    swept = sweep(Sweep(rates=(0.001, 0.1, 0.02), epochs=3), base, Trainings(tmp_path, workers))
    assert [point.rate for point in swept.curve] == [0.1, 0.02, 0.001]
    assert (swept.rate, swept.curve[2].divergence) == (0.001, None)
    assert [row["training.learning_rate"] for row in swept.rows] == [0.1, 0.02, 0.001]
    trainings = [request.training for request in workers.requests.values()]
    assert [training.learning_rate for training in trainings] == [0.1, 0.02, 0.001]
    for training in trainings:
        assert (training.optimizer, training.seed, training.epochs) == ("sgd", 7, 3)
        assert training.schedule == Schedule()
        assert training.early_stopping is None
        assert training.objectives == Objectives(divergence=None)
