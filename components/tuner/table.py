"""The table of all short trainings: a row for each."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from components.tuner.outcome import Outcome
from schemas.tuning import Value

Row = dict[str, Any]

COMPLETED = "completed"
FAILED = "failed"
FIGURES = ("val_accuracy", "val_precision", "val_recall", "val_f1", "val_loss", "loss")


def row_of(part: str, name: str, values: Mapping[str, Value], outcome: Outcome) -> Row:
    """The row of one training.

    Args:
      part: `sweep`, `search` or `cross_validation`.
      name: of the training within it.
      values: its hyperparameters by dotted name.
      outcome: what became of it.

    Returns:
      `part`, `trial_id`, `status`; the figures of the epoch whose weights were kept; `loss_change`, how much the
      training loss rises per epoch; `epochs`, `best_epoch`, `seconds`, `reason`; then the hyperparameters. What is not
      there, or no finite number, is None.
    """
    figures = outcome.figures
    return {
        "part": part,
        "trial_id": name,
        "status": COMPLETED if outcome.is_complete else FAILED,
        **{figure: _finite(figures.get(figure)) for figure in FIGURES},
        "loss_change": outcome.loss_change,
        "epochs": outcome.num_epochs,
        "best_epoch": outcome.best_epoch,
        "seconds": round(outcome.seconds, 2),
        "reason": outcome.reason,
        **values,
    }


def to_json(rows: Sequence[Row]) -> str:
    """A list of objects, as TFX's Tuner writes its results."""
    return json.dumps(list(rows), indent=1, allow_nan=False)


def to_csv(rows: Sequence[Row]) -> str:
    """The same, with the columns of all rows; what is None is empty."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def describe(values: Mapping[str, Value]) -> str:
    """Hyperparameters on a line."""
    return ", ".join(f"{name} {_shown(value)}" for name, value in values.items())


def _shown(value: Value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
