from __future__ import annotations

from typing import TYPE_CHECKING

from components.tuner.trainings import Trainings
from tests.components.tuner.instant import InstantWorkers, failed, killed, learned

if TYPE_CHECKING:
    from pathlib import Path

    from components.training.request import TrainingRequest


def with_rate(request: TrainingRequest, rate: float) -> TrainingRequest:
    return request.model_copy(update={"training": request.training.model_copy(update={"learning_rate": rate})})


def test_no_training_is_done_twice(short: TrainingRequest, tmp_path: Path) -> None:
    """A later process has the results at once: failures, too, and whatever the training is called."""
    requests = [short, with_rate(short, 0.5), with_rate(short, 0.02)]
    told: list[int] = []
    workers = InstantWorkers(2, lambda request: failed(request) if request.training.rate == 0.5 else learned(request))
    outcomes = Trainings(tmp_path / "new", workers).run_all(requests, lambda number, outcome: told.append(number))
    assert sorted(told) == [0, 1, 2]
    assert [outcome.is_complete for outcome in outcomes] == [True, False, True]
    assert outcomes[0].history != outcomes[2].history

    idle = InstantWorkers(1, killed)
    again = Trainings(tmp_path / "new", idle)
    renamed = [request.model_copy(update={"label": "x", "checkpoint_directory": "y"}) for request in requests]
    assert again.run_all(renamed, lambda number, outcome: None) == outcomes
    assert not idle.requests
    assert again.result_of(with_rate(short, 0.03)) is None


def test_what_was_killed_is_not_kept(short: TrainingRequest, tmp_path: Path) -> None:
    """It is done again, for it may end otherwise."""
    trainings = Trainings(tmp_path, InstantWorkers(1, killed))
    [outcome] = trainings.run_all([short], lambda number, outcome: None)
    assert outcome.reason == "killed"
    assert trainings.result_of(short) is None
    assert not list(tmp_path.iterdir())
