"""KerasTuner's oracles, which choose what is tried next, with a state that survives a killed process whole."""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus
from keras_tuner.oracles import (
    BayesianOptimizationOracle,
    GridSearchOracle,
    HyperbandOracle,
    RandomSearchOracle,
)
from keras_tuner.src.tuners.gridsearch import LinkedList

from components.whole_files import write_whole
from schemas.tuning import Search

HYPERBAND_EPOCHS = "tuner/epochs"
# Of the trials of a Bayesian search, what is drawn at random before the first guess.
_RANDOM_SHARE = 1 / 3


class _Kept:
    """An oracle that writes nothing by itself: KerasTuner's files may be cut off, and lag behind a trial's end."""

    def save(self) -> None:
        """Left to `OracleFile`."""

    def _save_trial(self, trial: Any) -> None:
        """Left to `OracleFile`."""


class _KeptGrid(_Kept, GridSearchOracle):
    """A grid that finds its place again, which KerasTuner's own forgets."""

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes the state back, and puts the trials that are known in the grid's order."""
        super().set_state(state)

        def compare(one: Any, other: Any) -> int:
            return int(self._compare(one.hyperparameters.values, other.hyperparameters.values))

        self._ordered_ids = LinkedList()
        for trial in sorted(self.trials.values(), key=functools.cmp_to_key(compare)):
            self._ordered_ids.insert(trial.trial_id)
        # Those whose next combination is there already are passed over.
        self._populate_next = list(self.trials)


class _KeptRandom(_Kept, RandomSearchOracle):
    pass


class _KeptHyperband(_Kept, HyperbandOracle):
    pass


class _KeptBayesian(_Kept, BayesianOptimizationOracle):
    pass


def make_oracle(search: Search, hyperparameters: Any, seed: int) -> Any:
    """The oracle that an experiment asks for.

    Args:
      search: the experiment's section. A Bayesian search draws a third of its trials at random, at least two and at
        most KerasTuner's three for each hyperparameter.
      hyperparameters: a `keras_tuner.HyperParameters`.
      seed: at least 0.
    """
    common = {
        "objective": keras_tuner.Objective(search.objective, "min" if search.objective == "val_loss" else "max"),
        "hyperparameters": hyperparameters,
        "allow_new_entries": False,
        "tune_new_entries": False,
        # KerasTuner draws a seed of its own in place of 0.
        "seed": seed + 1,
        # What failed would fail again, and how many may fail is for the search to say.
        "max_retries_per_trial": 0,
        "max_consecutive_failed_trials": sys.maxsize,
    }
    if search.method == "hyperband":
        oracle = _KeptHyperband(max_epochs=search.epochs, **common)
    elif search.method == "bayesian":
        at_random = min(max(round(search.trials * _RANDOM_SHARE), 2), 3 * len(hyperparameters.space))
        oracle = _KeptBayesian(max_trials=search.trials, num_initial_points=at_random, **common)
    else:
        kind = _KeptGrid if search.method == "grid" else _KeptRandom
        oracle = kind(max_trials=search.trials, **common)
    oracle.verbose = 0
    return oracle


class OracleFile:
    """Keeps an oracle with all its trials in one file, which is always whole."""

    def __init__(self, file: Path) -> None:
        """Reads nothing yet."""
        self._file = file

    def keep(self, oracle: Any) -> None:
        """Writes it; after each trial that begins or ends."""
        trials = [trial.get_state() for trial in oracle.trials.values()]
        write_whole(self._file, json.dumps({"oracle": oracle.get_state(), "trials": trials}))

    def restore(self, oracle: Any) -> None:
        """Brings a new oracle to where the one of an earlier process was; trials that were running then come again."""
        try:
            state = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        for each in state["trials"]:
            trial = Trial.from_state(each)
            oracle.trials[trial.trial_id] = trial
        oracle.set_state(state["oracle"])
        running = [trial.trial_id for trial in oracle.trials.values() if trial.status == TrialStatus.RUNNING]
        # It takes the last one first.
        oracle._retry_queue = running[::-1]
        oracle.ongoing_trials = {}

    def remove(self) -> None:
        """Forgets the oracle."""
        self._file.unlink(missing_ok=True)
