from __future__ import annotations

import json
from pathlib import Path

import pytest
from tfx.types import standard_artifacts

from components.trainer.run import DIAGNOSTICS_NAME, SUMMARY_NAME
from components.training.diagnostics import Finding
from pipeline.trained import describe_training, findings, negative_transfer

SUMMARY = {
    "epochs": 3,
    "best_epoch": 2,
    "stopped_by": "early_stopping",
    "seconds": 1.5,
    "transfer": {"val_loss": [1.0, 0.9], "control_val_loss": [0.8, 0.61259], "is_negative": True},
}
FINDING = Finding("slow_start", "warning", 3, {"drop": 0.01}, "the loss hardly falls", "raise training.learning_rate")


@pytest.fixture
def model_run(tmp_path: Path) -> standard_artifacts.ModelRun:
    """What a Trainer has left."""
    artifact = standard_artifacts.ModelRun()
    artifact.uri = str(tmp_path)
    (tmp_path / SUMMARY_NAME).write_text(json.dumps(SUMMARY))
    (tmp_path / DIAGNOSTICS_NAME).write_text(json.dumps([FINDING.to_json()]))
    return artifact


def test_what_the_trainer_tells_is_read(model_run: standard_artifacts.ModelRun) -> None:
    """The summary and the signs come as they were written."""
    assert describe_training(model_run) == SUMMARY
    assert [Finding.from_json(finding) for finding in findings(model_run)] == [FINDING]


def test_a_trainer_that_tells_nothing(tmp_path: Path) -> None:
    """Without these files there is nothing to tell, and that is no error."""
    artifact = standard_artifacts.ModelRun()
    artifact.uri = str(tmp_path)
    assert describe_training(artifact) == {}
    assert findings(artifact) == []


def test_negative_transfer_is_told_with_both_curves(model_run: standard_artifacts.ModelRun) -> None:
    """Worse than random weights: a sentence with the losses of both; else, and without a control, nothing."""
    assert negative_transfer(describe_training(model_run)) == (
        "negative transfer: over the first 2 epochs val_loss is 1.000 0.900 from the weights given, and 0.800 0.613"
        " from random ones; give other weights in model.weights, or train from random ones"
    )
    better = {**SUMMARY["transfer"], "is_negative": False}  # type: ignore[dict-item]
    assert negative_transfer({**SUMMARY, "transfer": better}) is None
    assert negative_transfer({**SUMMARY, "transfer": None}) is None
    assert negative_transfer({}) is None
