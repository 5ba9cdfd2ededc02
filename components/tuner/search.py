"""A search over hyperparameters: KerasTuner's oracles choose, processes of our own train."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from keras_tuner.engine.trial import TrialStatus

from components.errors import TrainingError
from components.training.request import TrainingRequest
from components.tuner.oracle import HYPERBAND_EPOCHS, OracleFile, make_oracle
from components.tuner.outcome import Outcome
from components.tuner.space import Space, hyperparameters_of, values_of
from components.tuner.table import Row, describe, row_of
from components.tuner.trainings import Trainings
from schemas.hyperparameters import Sections, apply
from schemas.tuning import Search, Value

PART = "search"
_STATE = "oracle.json"
_PROGRESS = logging.getLogger("darkroom.progress")


class Found(NamedTuple):
    """What a search has found."""

    values: dict[str, Value]
    """The best trial's, by dotted name."""
    trial: Any
    """The best one, a `keras_tuner.engine.trial.Trial`."""
    objective: str
    """What it is best at."""
    score: float
    """Its figure of that."""
    rows: list[Row]
    """A row for each trial, in the order of their start."""


def search(rules: Search, space: Space, base: TrainingRequest, trainings: Trainings, directory: Path) -> Found:
    """Tries hyperparameters until the oracle has enough.

    Whatever ends this process, the next search in the same directory goes on: no trial that ended is repeated, and one
    that was running is run again. Hyperband's longer trials start from the beginning, with the epochs that it asks for.

    Args:
      rules: the experiment's section.
      space: what to try.
      base: a short training, on which each trial's values are laid.
      trainings: carry the trials out.
      directory: where the state is kept.

    Raises:
      TrainingError: all trials failed, or none came about.
    """
    return _Search(rules, space, base, trainings, OracleFile(directory / _STATE)).run()


class _Search:
    def __init__(
        self, rules: Search, space: Space, base: TrainingRequest, trainings: Trainings, file: OracleFile
    ) -> None:
        self._rules = rules
        self._base = base
        self._trainings = trainings
        self._file = file
        self._outcomes: dict[str, Outcome] = {}
        hyperparameters = hyperparameters_of(space, is_grid=rules.method == "grid")
        self._oracle = make_oracle(rules, hyperparameters, base.training.seed)
        self._total = None if rules.method == "hyperband" else rules.trials
        if rules.method == "grid":
            size = math.prod(len(tuple(each.values)) for each in hyperparameters.space)
            self._total = min(size, rules.trials)
            if size > rules.trials:
                _PROGRESS.info(f"the grid has {size} trials; tuning.search.trials lets {rules.trials} of them be")

    def run(self) -> Found:
        self._file.restore(self._oracle)
        self._recall()
        while True:
            self._start_trials()
            if not self._trainings.is_busy:
                break
            trial_id, outcome = self._trainings.next()
            self._end_trial(trial_id, outcome)
        return self._found()

    def _start_trials(self) -> None:
        while self._trainings.has_room:
            trial = self._oracle.create_trial(self._free_slot())
            if trial.status != TrialStatus.RUNNING:
                return
            self._file.keep(self._oracle)
            self._trainings.start(trial.trial_id, self._request_of(trial))

    def _free_slot(self) -> str:
        # The oracle gives the same trial again to one whose trial has not ended.
        taken = self._oracle.ongoing_trials
        return next(name for name in map(str, range(len(taken) + 1)) if name not in taken)

    def _end_trial(self, trial_id: str, outcome: Outcome) -> None:
        trial = self._oracle.trials[trial_id]
        score = outcome.figures.get(self._rules.objective, math.nan)
        if outcome.is_complete and math.isfinite(score):
            self._oracle.update_trial(trial_id, {self._rules.objective: score}, step=outcome.best_epoch)
            trial.status = TrialStatus.COMPLETED
        else:
            trial.status, trial.message = TrialStatus.FAILED, outcome.reason
        self._oracle.end_trial(trial)
        self._outcomes[trial_id] = outcome
        self._file.keep(self._oracle)
        self._tell(trial_id, outcome)

    def _tell(self, trial_id: str, outcome: Outcome) -> None:
        number = f"{int(trial_id) + 1}" + (f"/{self._total}" if self._total else "")
        values = describe(values_of(self._oracle.trials[trial_id]))
        if outcome.is_complete:
            figure = f"{self._rules.objective} {outcome.figures[self._rules.objective]:.4f}"
            _PROGRESS.info(f"trial {number}: {figure} ({values}; {outcome.seconds:.1f} s)")
        else:
            _PROGRESS.info(f"trial {number}: failed ({values}): {outcome.reason}")

    def _request_of(self, trial: Any) -> TrainingRequest:
        base, values = self._base, values_of(trial)
        sections = apply(Sections(base.model, base.training, base.augmentation), values)
        epochs = trial.hyperparameters.values.get(HYPERBAND_EPOCHS, self._rules.epochs)
        changes: Mapping[str, Any] = {
            "model": sections.model,
            "training": sections.training.model_copy(update={"epochs": epochs}),
            "augmentation": sections.augmentation,
            "label": f"trial {int(trial.trial_id) + 1}",
        }
        return base.model_copy(update=changes)

    def _recall(self) -> None:
        """The outcomes of trials that an earlier process has ended."""
        ended = [trial for trial in self._oracle.trials.values() if trial.status != TrialStatus.RUNNING]
        for trial in ended:
            kept = self._trainings.result_of(self._request_of(trial))
            # That its process was killed is known to the oracle alone.
            self._outcomes[trial.trial_id] = kept or Outcome(reason=trial.message, is_final=False)
        if ended:
            _PROGRESS.info(f"going on after {len(ended)} trials")

    def _found(self) -> Found:
        completed = [trial for trial in self._oracle.get_best_trials() if trial.status == TrialStatus.COMPLETED]
        if not completed:
            # What made them fail may be mended outside of the experiment.
            self._file.remove()
            raise TrainingError(self._why_none())
        best = completed[0]
        rows = [
            row_of(PART, trial_id, values_of(self._oracle.trials[trial_id]), self._outcomes[trial_id])
            for trial_id in self._oracle.start_order
        ]
        values = values_of(best)
        best.hyperparameters.values.update(values)
        return Found(values, best, self._rules.objective, float(best.score), rows)

    def _why_none(self) -> str:
        reasons = list(dict.fromkeys(str(outcome.reason) for outcome in self._outcomes.values()))
        first = "; ".join(reasons[:2])
        return (
            f"all {len(self._outcomes)} trials of the search failed, so: {first}."
            " Change tuning.search.space: lower learning rates, or values with which a training by itself succeeds"
        )
