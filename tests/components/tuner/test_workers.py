from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from components.tuner.workers import Workers
from tests.processes import children_of, is_alive

if TYPE_CHECKING:
    from components.training.request import TrainingRequest

ROOT = Path(__file__).parents[3]
LONGEST_WAIT = 120.0

# A process that lets another train, and then waits to be killed.
PARENT = """
import os, sys, time
os.environ.update(TF_USE_LEGACY_KERAS="0", KERAS_BACKEND="tensorflow")
from components.training.request import TrainingRequest
from components.tuner.workers import Workers
if __name__ == "__main__":
    with Workers(1) as workers:
        workers.start("only", TrainingRequest.model_validate_json(sys.argv[1]))
        workers.wait()
"""


def changed(request: TrainingRequest, **training: object) -> TrainingRequest:
    return request.model_copy(update={"training": request.training.model_copy(update=training)})


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + LONGEST_WAIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


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
    """A user's mistake as its message, final; anything else by its last line. The process trains on afterwards."""
    before = children_of(os.getpid())
    workers.start("diverges", changed(short, learning_rate=1e30))
    workers.start("broken", short.model_copy(update={"transform_directory": "nowhere"}))
    outcomes = dict(workers.wait() for _ in range(2))
    assert "lower training.learning_rate (now 1e+30)" in str(outcomes["diverges"].reason)
    assert outcomes["diverges"].num_epochs < 2
    assert outcomes["diverges"].is_final
    assert "nowhere" in str(outcomes["broken"].reason)
    assert not outcomes["broken"].is_final
    workers.start("good", short)
    assert workers.wait()[1].is_complete
    assert children_of(os.getpid()) == before


def test_a_killed_process_costs_its_training_alone(short: TrainingRequest) -> None:
    """With the signal as its reason; it is not final. A new process takes the next training, and `with` ends all."""
    others = children_of(os.getpid())
    with Workers(1) as workers:
        workers.start("long", changed(short, epochs=10_000, early_stopping=None))
        [victim] = children_of(os.getpid()) - others
        threading.Timer(1.0, os.kill, (victim, signal.SIGKILL)).start()
        key, outcome = workers.wait()
        assert key == "long"
        assert outcome.reason == (
            "its process was ended by SIGKILL; where nobody did that, memory was short:"
            " lower tuning.parallel or training.batch_size"
        )
        assert not outcome.is_final
        workers.start("next", short)
        assert workers.wait()[1].is_complete
        workers.start("unfinished", changed(short, epochs=10_000, early_stopping=None))
    assert children_of(os.getpid()) == others


def test_a_killed_parent_leaves_no_process_behind(short: TrainingRequest) -> None:
    """Its trainings end at once, though no one has told them."""
    request = changed(short, epochs=10_000, early_stopping=None).model_dump_json()
    parent = subprocess.Popen([sys.executable, "-c", PARENT, request], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: parent.poll() is not None or children_of(parent.pid))
        [child] = children_of(parent.pid)
    finally:
        parent.kill()
        parent.wait(LONGEST_WAIT)
    wait_until(lambda: not is_alive(child))
