from __future__ import annotations

import csv
import io
import json
import math

from components.tuner.outcome import Outcome
from components.tuner.table import describe, row_of, to_csv, to_json

HISTORY = {
    "loss": [2.0, 1.0],
    "val_loss": [1.5, 1.0],
    "val_accuracy": [0.5, 0.75],
    "val_precision": [0.4, 0.7],
    "val_recall": [0.3, 0.6],
    "val_f1": [0.2, 0.55],
}
GOOD = row_of("search", "0", {"model.dropout": 0.25}, Outcome(HISTORY, 12.345, best_epoch=2))
FAILED = row_of("search", "1", {"training.optimizer": "sgd"}, Outcome({"loss": [math.inf]}, 1.0, reason="a, b\nc"))


def test_a_row_has_what_the_handbook_s_table_has() -> None:
    """Accuracy, precision, recall, F1 and loss on the eval split, and how fast the loss fell, per epoch."""
    assert GOOD == {
        "part": "search",
        "trial_id": "0",
        "status": "completed",
        "val_accuracy": 0.75,
        "val_precision": 0.7,
        "val_recall": 0.6,
        "val_f1": 0.55,
        "val_loss": 1.0,
        "loss": 1.0,
        "loss_change": -1.0,
        "epochs": 2,
        "best_epoch": 2,
        "seconds": 12.35,
        "reason": None,
        "model.dropout": 0.25,
    }


def test_a_failed_training_is_a_row_with_its_reason() -> None:
    """What it has no figure of is empty, and so is what is no finite number."""
    assert FAILED["status"] == "failed"
    assert FAILED["reason"] == "a, b\nc"
    assert (FAILED["loss"], FAILED["val_accuracy"], FAILED["epochs"]) == (None, None, 1)


def test_both_files_hold_the_same_table() -> None:
    """JSON that every reader takes, and CSV with the columns of all rows."""
    rows = json.loads(to_json([GOOD, FAILED]))
    assert rows == [GOOD, FAILED]
    read = list(csv.DictReader(io.StringIO(to_csv(rows))))
    assert list(read[0]) == [*GOOD, "training.optimizer"]
    for written, row in zip(rows, read, strict=True):
        assert {name: value for name, value in row.items() if value} == {
            name: str(value) for name, value in written.items() if value is not None
        }


def test_hyperparameters_fit_a_line() -> None:
    """Long fractions are shortened, all else is told as it is."""
    assert describe({"training.learning_rate": 0.00123456, "training.batch_size": 64, "training.optimizer": "sgd"}) == (
        "training.learning_rate 0.001235, training.batch_size 64, training.optimizer sgd"
    )
