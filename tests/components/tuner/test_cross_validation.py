from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

import pytest

from components.errors import TrainingError
from components.tuner.cross_validation import CrossValidated, cross_validate
from components.tuner.outcome import Outcome
from components.tuner.trainings import Trainings
from schemas.tuning import CrossValidation

if TYPE_CHECKING:
    from pathlib import Path

    from components.training.request import TrainingRequest
    from components.tuner.workers import Workers


def test_mean_and_deviation() -> None:
    """Of the folds whose training came to its end, at the epochs that were kept."""
    outcomes = [
        Outcome({"val_accuracy": [0.1, value], "val_f1": [0.2, value / 2]}, 1.0, 2) for value in (0.5, 0.7, 0.9)
    ]
    told = CrossValidated([*outcomes, Outcome(reason="why")]).to_json()
    assert (told["folds"], told["failed"]) == (4, 1)
    assert told["accuracy"] == {"mean": pytest.approx(0.7), "deviation": pytest.approx(0.2)}
    assert told["f1"] == {"mean": pytest.approx(0.35), "deviation": pytest.approx(0.1)}
    assert CrossValidated(outcomes[:1]).to_json()["accuracy"] == {"mean": 0.5, "deviation": None}


def test_each_fold_is_held_out_once(short: TrainingRequest, workers: Workers, tmp_path: Path) -> None:
    """Both splits are dealt out together; each training learns from all folds but one, and is judged by that."""
    trainings = Trainings(tmp_path / "trainings", workers)
    validated = cross_validate(CrossValidation(folds=3, epochs=1), short, trainings, tmp_path)
    assert [row["trial_id"] for row in validated.rows] == ["0", "1", "2"]
    assert {row["epochs"] for row in validated.rows} == {1}
    accuracies = [row["val_accuracy"] for row in validated.rows]
    assert validated.to_json()["accuracy"]["mean"] == pytest.approx(statistics.mean(accuracies))
    held_out = {path.name: path.stat().st_size for path in (tmp_path / "folds").glob("*.tfrecord")}
    assert len(held_out) == 3


def test_where_every_fold_fails_the_reason_is_told(short: TrainingRequest, workers: Workers, tmp_path: Path) -> None:
    """As an error that a person can act on."""
    diverging = short.model_copy(update={"training": short.training.model_copy(update={"learning_rate": 1e30})})
    trainings = Trainings(tmp_path / "trainings", workers)
    with pytest.raises(TrainingError, match=r"the training of every fold failed, the first one so: the (val_)?loss"):
        cross_validate(CrossValidation(folds=2, epochs=2), diverging, trainings, tmp_path)
