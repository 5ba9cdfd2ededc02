from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from components.tuner.workers import Workers
from tests.processes import children_of

pytestmark = pytest.mark.long

if TYPE_CHECKING:
    from components.training.request import TrainingRequest


def changed(request: TrainingRequest, **training: object) -> TrainingRequest:
    return request.model_copy(update={"training": request.training.model_copy(update=training)})


def kill(processes: set[int]) -> None:
    for process in processes:
        os.kill(process, signal.SIGKILL)


def test_trainings_run_at_the_same_time_each_with_its_figures(short: TrainingRequest, workers: Workers) -> None:
    """Two requests, two processes; each answers with its own history, which another process would give, too."""
    workers.start("short", short)
    workers.start("long", changed(short, epochs=3))
    outcomes = dict(workers.wait() for _ in range(2))
    assert {key: outcome.num_epochs for key, outcome in outcomes.items()} == {"short": 2, "long": 3}
    assert all(outcome.is_complete for outcome in outcomes.values())
    assert {"loss", "val_loss", "val_accuracy", "val_precision", "val_recall", "val_f1"} <= set(
        outcomes["long"].history
    )
    assert outcomes["long"].history["loss"][:2] == pytest.approx(outcomes["short"].history["loss"], rel=1e-4)


def test_a_training_that_goes_wrong_is_told_with_its_reason(short: TrainingRequest, workers: Workers) -> None:
    """A user's mistake as its message, final; anything else by its last line. No process ends by it."""
    before = children_of(os.getpid())
    workers.start("diverges", changed(short, learning_rate=1e30))
    workers.start("broken", short.model_copy(update={"transform_directory": "nowhere"}))
    outcomes = dict(workers.wait() for _ in range(2))
    assert "lower training.learning_rate (now 1e+30)" in str(outcomes["diverges"].reason)
    assert outcomes["diverges"].num_epochs < 2
    assert outcomes["diverges"].is_final
    assert "nowhere" in str(outcomes["broken"].reason)
    assert not outcomes["broken"].is_final
    assert children_of(os.getpid()) == before


def test_a_killed_process_costs_its_training_alone(short: TrainingRequest, workers: Workers) -> None:
    """With the signal as its reason; it is not final. New processes take the next trainings, also for idle ones."""
    workers.start("long", changed(short, epochs=10_000, early_stopping=None))
    victims = children_of(os.getpid())
    threading.Timer(1.0, kill, [victims]).start()
    key, outcome = workers.wait()
    assert key == "long"
    assert outcome.reason == (
        "its process was ended by SIGKILL; where nobody did that, memory was short:"
        " lower tuning.parallel or training.batch_size"
    )
    assert not outcome.is_final
    while victims & {process.pid for process in multiprocessing.active_children()}:
        time.sleep(0.05)
    for key in ("next", "other"):
        workers.start(key, short)
    assert all(workers.wait()[1].is_complete for _ in range(2))
    assert not victims & children_of(os.getpid())
