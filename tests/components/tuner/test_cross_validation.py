from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import tensorflow as tf

from components.errors import TrainingError
from components.tuner.cross_validation import CrossValidated, cross_validate
from components.tuner.outcome import Outcome
from components.tuner.trainings import Trainings
from schemas.tuning import CrossValidation
from tests.components.tuner.instant import InstantWorkers, failed, learned

if TYPE_CHECKING:
    from pathlib import Path

    from components.training.request import TrainingRequest


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


def test_each_fold_is_held_out_once(short: TrainingRequest, tmp_path: Path) -> None:
    """Both splits are dealt out together; each training learns from all folds but one, and is judged by that."""
    workers = InstantWorkers(2, learned)
    rules = CrossValidation(folds=3, epochs=4)
    validated = cross_validate(rules, short, Trainings(tmp_path / "trainings", workers), tmp_path)
    assert [row["trial_id"] for row in validated.rows] == ["0", "1", "2"]
    requests = list(workers.requests.values())
    held_out = [request.eval_files[0] for request in requests]
    assert len(set(held_out)) == 3
    for request in requests:
        assert {*request.train_files, *request.eval_files} == set(held_out)
        assert len(request.train_files) == 2
        assert (request.num_train, request.num_eval) == (
            num_records(*request.train_files),
            num_records(*request.eval_files),
        )
        assert request.num_train + request.num_eval == short.num_train + short.num_eval
        assert sum(request.class_counts) == request.num_train
        assert max(request.class_counts) - min(request.class_counts) <= 4
        assert request.training == short.training.model_copy(update={"epochs": 4})
    assert len({request.checkpoint_directory for request in requests}) == 3


def test_without_epochs_of_its_own_each_training_is_the_experiment_s(short: TrainingRequest, tmp_path: Path) -> None:
    """As long as that."""
    workers = InstantWorkers(1, learned)
    cross_validate(CrossValidation(folds=2), short, Trainings(tmp_path / "trainings", workers), tmp_path)
    assert [request.training for request in workers.requests.values()] == [short.training] * 2


def test_where_every_fold_fails_the_reason_is_told(short: TrainingRequest, tmp_path: Path) -> None:
    """As an error that a person can act on."""
    trainings = Trainings(tmp_path / "trainings", InstantWorkers(2, failed))
    with pytest.raises(TrainingError, match=r"the training of every fold failed, the first one so: too high: 0\.01$"):
        cross_validate(CrossValidation(folds=2), short, trainings, tmp_path)


def num_records(*files: str) -> int:
    return sum(1 for _ in tf.data.TFRecordDataset(files))
