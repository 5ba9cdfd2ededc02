from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline.report.content import Figure, Table
from pipeline.report.sections.search import search
from tests.pipeline.report.materials import a_material, a_record, rows_of, texts_of

SWEEP = {
    "rate": 0.01,
    "reason": "its loss ends lowest",
    "curve": [
        {"rate": 1.0, "is_diverging": True, "reason": "nan", "loss": [None], "val_loss": [None]},
        {"rate": 0.1, "is_diverging": True, "reason": "rises", "loss": [3.0], "val_loss": [3.0]},
        {"rate": 0.01, "is_diverging": False, "reason": None, "loss": [0.5], "val_loss": [0.6]},
    ],
}
FOLDS = {
    "folds": 3,
    "failed": 1,
    "accuracy": {"mean": 0.9, "deviation": 0.01},
    "f1": {"mean": 0.8, "deviation": None},
}


def trial(name: str, accuracy: float | None, **values: Any) -> dict[str, Any]:
    return {
        "part": "search",
        "trial_id": name,
        "status": "failed" if accuracy is None else "completed",
        "reason": "the loss became nan" if accuracy is None else None,
        "val_accuracy": accuracy,
        "val_f1": accuracy,
        "val_loss": None if accuracy is None else 1 - accuracy,
        **values,
    }


def tuning(table: Path, **values: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "best": {"model.dropout": 0.4},
        "num_trials": 0,
        "num_failed": 0,
        "objective": None,
        "score": None,
        "sweep": None,
        "cross_validation": None,
        "table": str(table),
    }
    return {**usual, **values}


def test_the_sweep_is_a_curve(tmp_path: Path) -> None:
    """Loss by rate, with the reason of the choice; a rate whose loss is no number has no point."""
    section = search(a_material(a_record(tuning=tuning(tmp_path, sweep=SWEEP))))
    assert section is not None
    assert texts_of(section) == ["Learning rate 0.01: its loss ends lowest"]
    [figure] = [block for block in section.blocks if isinstance(block, Figure)]
    assert figure.description == "Loss at the end of each short training: 0.6 at 0.01, 3 at 0.1."


def test_trials_come_best_first(tmp_path: Path) -> None:
    """A failed one comes last, with its reason; other parts of the table are left out."""
    table = tmp_path / "tuner_results.json"
    rows = [
        trial("0", 0.7, **{"model.dropout": 0.2}),
        trial("1", None, **{"model.dropout": 0.6}),
        trial("2", 0.9, **{"model.dropout": 0.4}),
        {**trial("0.1", 0.99), "part": "sweep"},
    ]
    table.write_text(json.dumps(rows))
    section = search(a_material(a_record(tuning=tuning(table, num_trials=3, objective="val_accuracy"))))
    assert section is not None
    [trials] = [block for block in section.blocks if isinstance(block, Table)]
    assert rows_of(trials) == [
        ["2", "dropout 0.4", "0.9000", "0.9000", "0.1000"],
        ["0", "dropout 0.2", "0.7000", "0.7000", "0.3000"],
        ["1", "dropout 0.6: the loss became nan", "", "", ""],
    ]
    [figure] = [block for block in section.blocks if isinstance(block, Figure)]
    assert figure.description == "2 trials; val_accuracy from 0.7000 to 0.9000."


def test_a_table_that_is_gone_is_told(tmp_path: Path) -> None:
    """What the record still knows is shown all the same, the folds among it."""
    missing = tmp_path / "tuner_results.json"
    given = tuning(missing, num_trials=3, objective="val_loss", cross_validation=FOLDS)
    section = search(a_material(a_record(tuning=given)))
    assert section is not None
    assert texts_of(section) == [f"The table of trials, {missing}, is gone."]
    [folds] = [block for block in section.blocks if isinstance(block, Table)]
    assert rows_of(folds) == [["accuracy", "0.9000", "0.0100"], ["f1", "0.8000", ""]]
    assert folds.caption == "Cross-validation over 3 folds, of which 1 failed."


def test_a_run_that_searched_nothing_says_nothing() -> None:
    """There is no such section."""
    assert search(a_material()) is None
