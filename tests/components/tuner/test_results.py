from __future__ import annotations

import csv
import json
from pathlib import Path

import keras_tuner
from keras_tuner.engine.trial import Trial

from components.tuner.cross_validation import CrossValidated
from components.tuner.outcome import Outcome
from components.tuner.results import Tuned, read_summary, write_results
from components.tuner.search import Found
from components.tuner.space import hyperparameters_of
from components.tuner.sweep import judge
from components.tuner.table import row_of

HISTORY = {"loss": [1.0, 0.5], "val_loss": [0.9, 0.6], "val_accuracy": [0.5, 0.75], "val_f1": [0.4, 0.7]}
OUTCOME = Outcome(HISTORY, 1.0, best_epoch=2)
RATE = "training.learning_rate"


def found() -> Found:
    hyperparameters = hyperparameters_of({"model.dropout": (0.0, 0.5)}, is_grid=False)
    hyperparameters.values = {"model.dropout": 0.5}
    rows = [
        row_of("search", "0", {"model.dropout": 0.5}, OUTCOME),
        row_of("search", "1", {"model.dropout": 0.0}, Outcome(reason="why")),
    ]
    return Found({"model.dropout": 0.5}, Trial(hyperparameters, "0"), "val_accuracy", 0.75, rows)


def everything() -> Tuned:
    tuned = Tuned()
    tuned.take_sweep(judge([0.1, 0.01], [Outcome({"loss": [9.0, 9.5]}, 1.0, 2), OUTCOME], guessing=2.3))
    tuned.take_search(found())
    tuned.validated = CrossValidated([OUTCOME, OUTCOME])
    return tuned


def written(tuned: Tuned, root: Path) -> tuple[Path, Path]:
    for name in ("best", "results"):
        (root / name).mkdir()
    write_results(tuned, str(root / "best"), str(root / "results"))
    return root / "best", root / "results"


def test_the_best_values_are_written_as_tfx_writes_them(tmp_path: Path) -> None:
    """One file of TFX's name that KerasTuner reads: the best trial's values, and the rate that the sweep has chosen."""
    best, _ = written(everything(), tmp_path)
    [file] = best.iterdir()
    assert file.name == "best_hyperparameters.txt"
    read = keras_tuner.HyperParameters.from_config(json.loads(file.read_text()))
    assert read.values == {"model.dropout": 0.5, RATE: 0.01}
    assert {each.name for each in read.space} == set(read.values)


def test_a_searched_rate_goes_before_the_sweep_s(tmp_path: Path) -> None:
    """Where the experiment has searched it, too."""
    tuned = Tuned()
    tuned.take_sweep(judge([0.1, 0.01], [OUTCOME, OUTCOME], guessing=2.3))
    hyperparameters = hyperparameters_of({RATE: (0.1, 0.2)}, is_grid=False)
    hyperparameters.values = {RATE: 0.2}
    tuned.take_search(Found({RATE: 0.2}, Trial(hyperparameters, "0"), "val_accuracy", 0.75, []))
    best, _ = written(tuned, tmp_path)
    config = json.loads((best / "best_hyperparameters.txt").read_text())
    assert config["values"] == {RATE: 0.2}
    assert [each["class_name"] for each in config["space"]] == ["Choice"]


def test_all_trainings_are_in_the_table(tmp_path: Path) -> None:
    """As a list of rows under TFX's name, and as CSV."""
    _, results = written(everything(), tmp_path)
    rows = json.loads((results / "tuner_results.json").read_text())
    assert [(row["part"], row["trial_id"], row["status"]) for row in rows] == [
        ("sweep", "0.1", "completed"),
        ("sweep", "0.01", "completed"),
        ("search", "0", "completed"),
        ("search", "1", "failed"),
        ("cross_validation", "0", "completed"),
        ("cross_validation", "1", "completed"),
    ]
    with (results / "tuner_results.csv").open() as file:
        assert len(list(csv.DictReader(file))) == len(rows)


def test_the_summary_is_for_a_run_s_record(tmp_path: Path) -> None:
    """The best values, numbers of trials, the rate with its reason and curve, the folds' mean, where the table is."""
    _, results = written(everything(), tmp_path)
    summary = read_summary(str(results))
    assert summary["best"] == {RATE: 0.01, "model.dropout": 0.5}
    assert (summary["num_trials"], summary["num_failed"]) == (2, 1)
    assert (summary["objective"], summary["score"]) == ("val_accuracy", 0.75)
    assert summary["sweep"]["rate"] == 0.01
    assert "0.1 diverges: its loss rises from 9 to 9.5" in summary["sweep"]["reason"]
    assert [point["rate"] for point in summary["sweep"]["curve"]] == [0.1, 0.01]
    assert summary["cross_validation"]["accuracy"] == {"mean": 0.75, "deviation": 0.0}
    assert Path(summary["table"]) == results / "tuner_results.json"


def test_what_was_not_asked_for_is_not_there(tmp_path: Path) -> None:
    """Without a search or a sweep the Trainer gets hyperparameters all the same, and they are none."""
    tuned = Tuned(validated=CrossValidated([OUTCOME]))
    best, results = written(tuned, tmp_path)
    assert json.loads((best / "best_hyperparameters.txt").read_text()) == {"space": [], "values": {}}
    summary = read_summary(str(results))
    assert (summary["best"], summary["sweep"], summary["score"], summary["num_trials"]) == ({}, None, None, 0)
