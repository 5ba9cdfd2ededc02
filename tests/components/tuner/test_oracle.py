from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.tuner.oracle import OracleFile, make_oracle
from components.tuner.space import hyperparameters_of, values_of
from schemas.tuning import Range, Search

SPACE: dict[str, Any] = {
    "training.learning_rate": Range(min=1e-4, max=1e-1, scale="log", steps=3),
    "model.dropout": (0, 0.5),
    "model.batch_normalization": (True, False),
    "training.optimizer": ("adam", "sgd"),
}
METHODS = {
    "grid": Search(method="grid", space=SPACE, trials=100),
    "random": Search(method="random", space=SPACE, trials=12),
    "hyperband": Search(method="hyperband", space=SPACE, epochs=9),
}


class Searching:
    """A search whose trainings take no time: the score follows from the values, and each fifth trial fails."""

    def __init__(self, search: Search, file: Path) -> None:
        self.search = search
        self.file = OracleFile(file)
        self.oracle = make_oracle(search, hyperparameters_of(search.space, search.method == "grid"), seed=0)
        self.file.restore(self.oracle)
        self.begun: list[str] = []
        self.ended: list[str] = []

    def run(self, parallel: int, until: Callable[[], bool] = lambda: False) -> None:
        """Goes on until the oracle has enough, or until the process is as good as killed."""
        running: list[str] = []
        while True:
            while len(running) < parallel:
                trial = self.oracle.create_trial(
                    str(next(n for n in range(9) if str(n) not in self.oracle.ongoing_trials))
                )
                if trial.status != "RUNNING":
                    break
                self.file.keep(self.oracle)
                running.append(trial.trial_id)
                self.begun.append(trial.trial_id)
            if not running or until():
                return
            self.end(running.pop(0))

    def end(self, trial_id: str) -> None:
        trial = self.oracle.trials[trial_id]
        values = trial.hyperparameters.values
        if int(trial_id) % 5 == 4:
            trial.status, trial.message = "FAILED", "why"
        else:
            score = values["training.learning_rate"] + values["model.dropout"]
            self.oracle.update_trial(trial_id, {self.search.objective: score}, step=1)
            trial.status = "COMPLETED"
        self.oracle.end_trial(trial)
        self.file.keep(self.oracle)
        self.ended.append(trial_id)

    @property
    def tried(self) -> list[str]:
        """All values, in the order of the trials."""
        return sorted(str(trial.hyperparameters.values) for trial in self.oracle.trials.values())


@pytest.mark.parametrize("parallel", [1, 2])
@pytest.mark.parametrize("method", METHODS)
def test_a_search_that_was_killed_goes_on_as_if_nothing_had_been(method: str, parallel: int, tmp_path: Path) -> None:
    """No trial that ended is begun again, what was running is, first of all; in the end the same values were tried."""
    whole = Searching(METHODS[method], tmp_path / "whole.json")
    whole.run(parallel)
    killed = Searching(METHODS[method], tmp_path / "killed.json")
    killed.run(parallel, until=lambda: len(killed.ended) == 6)
    resumed = Searching(METHODS[method], tmp_path / "killed.json")
    resumed.run(parallel)
    interrupted = [trial_id for trial_id in killed.begun if trial_id not in killed.ended]
    assert 0 < len(interrupted) <= parallel
    assert resumed.begun[: len(interrupted)] == interrupted
    assert not set(resumed.begun) & set(killed.ended)
    assert resumed.tried == whole.tried
    assert [trial.status for trial in resumed.oracle.trials.values()].count("FAILED") > 0


def test_a_search_that_ended_has_nothing_left_to_do(tmp_path: Path) -> None:
    """Killed after the last trial, it begins none."""
    for method, search in METHODS.items():
        Searching(search, tmp_path / method).run(2)
        again = Searching(search, tmp_path / method)
        again.run(2)
        assert not again.begun


def test_a_bayesian_search_guesses_after_a_third_of_its_trials(tmp_path: Path) -> None:
    """With two at the same time, and killed on the way."""
    search = Search(method="bayesian", space={**SPACE, "model.dropout": (0.0, 0.5)}, trials=5)
    killed = Searching(search, tmp_path / "state.json")
    assert killed.oracle.num_initial_points == 2
    killed.run(2, until=lambda: len(killed.ended) == 2)
    resumed = Searching(search, tmp_path / "state.json")
    resumed.run(2)
    assert len(resumed.oracle.trials) == 5
    assert not set(resumed.begun) & set(killed.ended)


def test_a_grid_tries_every_combination_once(tmp_path: Path) -> None:
    """Three rates, two of each other."""
    grid = Searching(METHODS["grid"], tmp_path / "state.json")
    grid.run(2)
    assert len(set(grid.tried)) == len(grid.tried) == 3 * 2 * 2 * 2


def test_a_search_ends_where_everything_was_tried(tmp_path: Path) -> None:
    """A random search of a small space has fewer trials than it may, and none twice."""
    small = Search(
        method="random", space={"training.learning_rate": (0.1, 0.2), "model.dropout": (0.0, 0.5)}, trials=50
    )
    searching = Searching(small, tmp_path / "state.json")
    searching.run(1)
    values = [tuple(values_of(trial).items()) for trial in searching.oracle.trials.values()]
    assert len(set(values)) == len(values) == 4


def test_many_failures_in_a_row_end_nothing(tmp_path: Path) -> None:
    """KerasTuner would stop after three."""
    search = Search(method="random", space=SPACE, trials=8)
    searching = Searching(search, tmp_path / "state.json")
    for _ in range(8):
        trial = searching.oracle.create_trial("0")
        trial.status, trial.message = "FAILED", "why"
        searching.oracle.end_trial(trial)
    assert searching.oracle.create_trial("0").status == "STOPPED"


@pytest.mark.parametrize(("objective", "best"), [("val_accuracy", 3.0), ("val_f1", 3.0), ("val_loss", 1.0)])
def test_the_best_trial_is_best_at_the_objective(objective: str, best: float, tmp_path: Path) -> None:
    """A loss is best when it is low, all else when it is high."""
    search = Search.model_validate({"objective": objective, "space": SPACE, "trials": 3})
    oracle = Searching(search, tmp_path / "state.json").oracle
    for score in (2.0, 3.0, 1.0):
        trial = oracle.create_trial("0")
        oracle.update_trial(trial.trial_id, {objective: score}, step=1)
        trial.status = "COMPLETED"
        oracle.end_trial(trial)
    assert oracle.get_best_trials()[0].score == best


def test_the_seed_decides_what_is_tried(tmp_path: Path) -> None:
    """The same seed draws the same values, 0 among them."""
    drawn = [
        [
            str(
                make_oracle(METHODS["random"], hyperparameters_of(SPACE, False), seed)
                .create_trial("0")
                .hyperparameters.values
            )
        ]
        for seed in (0, 0, 1)
    ]
    assert drawn[0] == drawn[1] != drawn[2]
