from __future__ import annotations

from typing import TYPE_CHECKING

from components.tuner.outcome import Outcome
from components.tuner.trainings import Trainings
from components.tuner.workers import Workers

if TYPE_CHECKING:
    from pathlib import Path

    from components.training.request import TrainingRequest


def with_rate(request: TrainingRequest, rate: float) -> TrainingRequest:
    return request.model_copy(update={"training": request.training.model_copy(update={"learning_rate": rate})})


def test_no_training_is_done_twice(short: TrainingRequest, workers: Workers, tmp_path: Path) -> None:
    """A later process, which here could not train at all, has the results at once: failures, too."""
    requests = [short, with_rate(short, 1e30), with_rate(short, 0.02)]
    told: list[int] = []
    outcomes = Trainings(tmp_path / "new", workers).run_all(requests, lambda number, outcome: told.append(number))
    assert sorted(told) == [0, 1, 2]
    assert [outcome.is_complete for outcome in outcomes] == [True, False, True]
    assert outcomes[0].history != outcomes[2].history

    with Workers(1) as idle:
        again = Trainings(tmp_path / "new", idle)
        renamed = [request.model_copy(update={"label": "x", "checkpoint_directory": "y"}) for request in requests]
        assert again.run_all(renamed, lambda number, outcome: None) == outcomes
        assert not idle.is_started
        assert again.result_of(with_rate(short, 0.03)) is None


def test_what_was_killed_is_not_kept(short: TrainingRequest, tmp_path: Path) -> None:
    """It is done again, for it may end otherwise."""

    class Dying(Workers):
        def start(self, key: str, request: TrainingRequest) -> None:
            self.key = key

        def wait(self) -> tuple[str, Outcome]:
            return self.key, Outcome(reason="killed", is_final=False)

    trainings = Trainings(tmp_path, Dying(1))
    [outcome] = trainings.run_all([short], lambda number, outcome: None)
    assert outcome.reason == "killed"
    assert trainings.result_of(short) is None
    assert not list(tmp_path.iterdir())
