"""What a person reads of a search for hyperparameters. Loads no TensorFlow."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from pipeline.record import RunRecord
from schemas.problems import shown_path

_NUM_TRIALS = 20
_SEARCH = "search"
_COMPLETED = "completed"
# Columns of the table that a terminal has room for, and their short names.
_FIGURES = {
    "val_accuracy": "accuracy",
    "val_precision": "precision",
    "val_recall": "recall",
    "val_f1": "f1",
    "val_loss": "loss",
    "loss_change": "change",
}


def describe_tuning(record: RunRecord) -> list[str]:
    """A line each for the search, the sweep and the cross-validation, as far as there was one."""
    tuning = record.tuning
    if tuning is None:
        return []
    lines = []
    if sweep := tuning["sweep"]:
        lines.append(f"learning rate {sweep['rate']:g}: {sweep['reason']}")
    if tuning["num_trials"]:
        failed = f", {tuning['num_failed']} failed" if tuning["num_failed"] else ""
        best = f"best {tuning['objective']} {tuning['score']:.4f} with {_described(tuning['best'])}"
        lines.append(f"search: {tuning['num_trials']} trials{failed}, {best}")
    if folds := tuning["cross_validation"]:
        failed = f" ({folds['failed']} failed)" if folds["failed"] else ""
        figures = ", ".join(f"{name} {_spread(folds[name])}" for name in ("accuracy", "f1"))
        lines.append(f"cross-validation over {folds['folds']} folds{failed}: {figures}")
    return [*lines, f"all short trainings: {shown_path(Path(tuning['table']))}"]


def trials_of(record: RunRecord) -> Table | None:
    """The best trials of a search, the best first; None where there was none, or its table is gone."""
    if record.tuning is None:
        return None
    try:
        rows = json.loads(Path(record.tuning["table"]).read_text(encoding="utf-8"))
    except OSError:
        return None
    trials = [row for row in rows if row["part"] == _SEARCH]
    if not trials:
        return None
    objective = record.tuning["objective"]
    sign = 1 if objective.endswith("loss") else -1
    trials.sort(key=lambda row: math.inf if row[objective] is None else sign * row[objective])
    table = Table(box=None, pad_edge=False, collapse_padding=True)
    for column in ("trial", *_FIGURES.values()):
        table.add_column(column, no_wrap=True)
    table.add_column("values", overflow="fold")
    for row in trials[:_NUM_TRIALS]:
        figures = ["" if row[name] is None else f"{row[name]:.4f}" for name in _FIGURES]
        values = _described({name: value for name, value in row.items() if "." in name})
        told = Text(values) if row["status"] == _COMPLETED else Text(f"failed ({values}): {row['reason']}", "red")
        table.add_row(row["trial_id"], *figures, told)
    return table


def _described(values: Mapping[str, Any]) -> str:
    shown = {name.rpartition(".")[2]: value for name, value in values.items()}
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in shown.items()
    )


def _spread(figure: Mapping[str, float | None]) -> str:
    deviation = figure["deviation"]
    return f"{figure['mean']:.4f}" + ("" if deviation is None else f" ± {deviation:.4f}")
