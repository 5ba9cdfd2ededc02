from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pipeline.record import RunRecord
from pipeline.tuned import describe_tuning, trials_of

FIGURES = ("val_accuracy", "val_precision", "val_recall", "val_f1", "val_loss", "loss_change")


def trial(number: int, accuracy: float | None, **values: Any) -> dict[str, Any]:
    figures = dict.fromkeys(FIGURES, accuracy)
    status = "failed" if accuracy is None else "completed"
    reason = "the loss became nan in epoch 2" if accuracy is None else None
    return {"part": "search", "trial_id": str(number), "status": status, **figures, "reason": reason, **values}


def record(table: Path, rows: list[dict[str, Any]], **changes: Any) -> RunRecord:
    table.write_text(json.dumps(rows))
    tuning = {
        "best": {"training.learning_rate": 0.001, "training.optimizer": "adam"},
        "num_trials": len(rows),
        "num_failed": 1,
        "objective": "val_accuracy",
        "score": 0.91234,
        "sweep": {"rate": 0.001, "reason": "lowest val_loss; 0.1 diverges", "curve": []},
        "cross_validation": {
            "folds": 5,
            "failed": 0,
            "accuracy": {"mean": 0.9, "deviation": 0.0123},
            "f1": {"mean": 0.89, "deviation": None},
        },
        "table": str(table),
        **changes,
    }
    return RunRecord(run_id="x", experiment="flowers", digest="", started="", tuning=tuning)


def shown(made: RunRecord, capsys: pytest.CaptureFixture[str]) -> list[str]:
    table = trials_of(made)
    assert table is not None
    Console(width=80).print(table)
    return capsys.readouterr().out.splitlines()


def test_a_line_for_each_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was chosen, why, how good it is and how far that depends on the split."""
    monkeypatch.chdir(tmp_path)
    rows = [trial(0, 0.9), trial(1, None)]
    assert describe_tuning(record(tmp_path / "table.json", rows)) == [
        "learning rate 0.001: lowest val_loss; 0.1 diverges",
        "search: 2 trials, 1 failed, best val_accuracy 0.9123 with learning_rate 0.001, optimizer adam",
        "cross-validation over 5 folds: accuracy 0.9000 ± 0.0123, f1 0.8900",
        "all short trainings: table.json",
    ]


def test_nothing_is_told_of_what_there_was_not(tmp_path: Path) -> None:
    """Neither of a run without a Tuner, nor of parts that were not asked for."""
    without = RunRecord(run_id="x", experiment="flowers", digest="", started="")
    assert describe_tuning(without) == []
    assert trials_of(without) is None
    swept = record(tmp_path / "table.json", [], num_trials=0, objective=None, cross_validation=None)
    assert [line.partition(":")[0] for line in describe_tuning(swept)] == ["learning rate 0.001", "all short trainings"]
    assert trials_of(swept) is None


def test_the_best_trials_come_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those that failed last, with the reason; a low loss is better than a high one."""
    rows = [trial(0, None, **{"model.dropout": 0.5}), trial(1, 0.5, **{"model.dropout": 0.25}), trial(2, 0.75)]
    lines = shown(record(tmp_path / "table.json", rows), capsys)
    assert lines[0].split() == ["trial", "accuracy", "precision", "recall", "f1", "loss", "change", "values"]
    assert [line.split()[0] for line in lines[1:4]] == ["2", "1", "0"]
    assert lines[2].split()[1:] == ["0.5000"] * 6 + ["dropout", "0.25"]
    assert "failed (dropout 0.5): the loss became nan in epoch 2" in " ".join(" ".join(lines[3:]).split())
    assert max(map(len, lines)) <= 80
    lines = shown(record(tmp_path / "table.json", rows, objective="val_loss"), capsys)
    assert [line.split()[0] for line in lines[1:4]] == ["1", "2", "0"]


def test_a_table_that_is_gone_is_left_out(tmp_path: Path) -> None:
    """What the record itself holds is told all the same."""
    made = record(tmp_path / "table.json", [trial(0, 0.9)])
    (tmp_path / "table.json").unlink()
    assert trials_of(made) is None
    assert len(describe_tuning(made)) == 4
