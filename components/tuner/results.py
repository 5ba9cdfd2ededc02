"""What the stage leaves: the best hyperparameters as TFX's Trainer reads them, the table of trials, and a summary."""

from __future__ import annotations

import json
import posixpath
from dataclasses import dataclass, field
from typing import Any

import keras_tuner
from tfx.dsl.io import fileio

from components.tuner.cross_validation import CrossValidated
from components.tuner.search import Found
from components.tuner.space import LEARNING_RATE, with_fixed
from components.tuner.sweep import Swept
from components.tuner.table import COMPLETED, Row, to_csv, to_json
from schemas.tuning import Value

# The names that TFX's own Tuner gives them.
BEST_NAME = "best_hyperparameters.txt"
TABLE_NAME = "tuner_results.json"
CSV_NAME = "tuner_results.csv"
SUMMARY_NAME = "tuning.json"


@dataclass
class Tuned:
    """What has been found so far."""

    swept: Swept | None = None
    found: Found | None = None
    validated: CrossValidated | None = None
    values: dict[str, Value] = field(default_factory=dict)
    """What goes before the experiment's own values, by dotted name."""

    @property
    def rows(self) -> list[Row]:
        """Of all trainings: the sweep's, the search's, the folds'."""
        return [
            *(self.swept.rows if self.swept else []),
            *(self.found.rows if self.found else []),
            *(self.validated.rows if self.validated else []),
        ]

    def hyperparameters(self) -> Any:
        """A `keras_tuner.HyperParameters`: the space with the best trial's values, and the sweep's rate."""
        best = self.found.trial.hyperparameters if self.found else keras_tuner.HyperParameters()
        searched = self.found.values if self.found else {}
        return with_fixed(best, {name: value for name, value in self.values.items() if name not in searched})

    def summary(self) -> dict[str, Any]:
        """See `read_summary`."""
        trials = self.found.rows if self.found else []
        return {
            "best": self.values,
            "num_trials": len(trials),
            "num_failed": sum(row["status"] != COMPLETED for row in trials),
            "objective": self.found.objective if self.found else None,
            "score": self.found.score if self.found else None,
            "sweep": {
                "rate": self.swept.rate,
                "reason": self.swept.reason,
                "curve": [point.to_json() for point in self.swept.curve],
            }
            if self.swept
            else None,
            "cross_validation": self.validated.to_json() if self.validated else None,
        }

    def take_sweep(self, swept: Swept) -> None:
        """Takes over the rate that a sweep has chosen."""
        self.swept = swept
        self.values[LEARNING_RATE] = swept.rate

    def take_search(self, found: Found) -> None:
        """Takes over the best trial's values."""
        self.found = found
        self.values.update(found.values)


def write_results(tuned: Tuned, best_uri: str, results_uri: str) -> None:
    """Writes both artifacts.

    Args:
      tuned: all that was found.
      best_uri: of the HyperParameters; TFX's Trainer wants one file alone there.
      results_uri: of the TunerResults.
    """
    for uri, name, text in (
        (best_uri, BEST_NAME, json.dumps(tuned.hyperparameters().get_config())),
        (results_uri, TABLE_NAME, to_json(tuned.rows)),
        (results_uri, CSV_NAME, to_csv(tuned.rows)),
        (results_uri, SUMMARY_NAME, json.dumps(tuned.summary(), indent=1, allow_nan=False)),
    ):
        with fileio.open(posixpath.join(uri, name), "w") as file:
            file.write(text)


def read_summary(results_uri: str) -> dict[str, Any]:
    """What was found, for a run's record.

    Args:
      results_uri: of the TunerResults.

    Returns:
      `best`, values by dotted name; `num_trials` and `num_failed` of the search, its `objective`, and the best one's
      `score`; `sweep` with `rate`, `reason` and `curve`; `cross_validation` with `folds`, `failed`, and of `accuracy`
      and `f1` the `mean` and `deviation`; `table`, path of the table of all trainings. What was not asked for is None.
    """
    with fileio.open(posixpath.join(results_uri, SUMMARY_NAME)) as file:
        return {**json.loads(file.read()), "table": posixpath.join(results_uri, TABLE_NAME)}
