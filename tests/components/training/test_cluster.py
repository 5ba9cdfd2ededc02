from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from components.errors import TrainingError
from components.training.cluster import needs_own_processes, train_apart
from components.training.training import train
from tests.components.training.sample_request import request_over

pytestmark = pytest.mark.long

if TYPE_CHECKING:
    from tests.components.conftest import Sample

ROOT = Path(__file__).parents[3]
# Without dropout, whose draws differ from worker to worker.
MODEL = {"dropout": 0.0}


def test_two_workers_learn_what_one_process_does(prepared: Sample, tmp_path: Path) -> None:
    """Two processes that share each batch have the loss curve of one with the whole batch, and save one network."""
    alone = train(request_over(prepared, MODEL, epochs=3))[1]
    request = request_over(prepared, MODEL, epochs=3, workers=2, native_directory=str(tmp_path / "native"))
    assert needs_own_processes(request)
    together = train_apart(request, tmp_path)
    for name in ("loss", "val_loss", "val_accuracy"):
        assert together.history[name] == pytest.approx(alone.history[name], rel=1e-3), name
    saved = keras.saving.load_model(tmp_path / "native" / "model.keras")
    assert sum(np.abs(array).sum() for array in saved.get_weights()) > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["native", "result.json"]


def test_one_thread_gives_the_same_bits(prepared: Sample, tmp_path: Path) -> None:
    """Two trainings with `deterministic`, in processes of their own, end with equal weights."""
    weights = []
    for name in ("first", "second"):
        request = request_over(
            prepared, {"dropout": 0.3}, epochs=2, deterministic=True, native_directory=str(tmp_path / name / "native")
        )
        train_apart(request, tmp_path / name)
        weights.append(keras.saving.load_model(tmp_path / name / "native" / "model.keras").get_weights())
    for first, second in zip(*weights, strict=True):
        np.testing.assert_array_equal(first, second)


def test_an_error_of_the_training_comes_back(prepared: Sample, tmp_path: Path) -> None:
    """What a user is to mend is told as such, whichever process it was found in."""
    request = request_over(
        prepared, deterministic=True, optimizer="sgd", learning_rate=1e30, native_directory=str(tmp_path / "native")
    )
    with pytest.raises(TrainingError, match=r"became (nan|-?inf) in epoch 1; lower training\.learning_rate"):
        train_apart(request, tmp_path)


def test_a_dead_worker_ends_the_others(prepared: Sample, tmp_path: Path) -> None:
    """Where one worker cannot start, the training ends at once, with its status and no process left."""
    request = request_over(
        prepared, workers=2, train_files=[str(tmp_path / "none" / "*")], native_directory=str(tmp_path / "native")
    )
    began = time.monotonic()
    with pytest.raises(TrainingError, match="ended with status"):
        train_apart(request, tmp_path)
    assert time.monotonic() - began < 120
    found = subprocess.run(["pgrep", "-f", str(tmp_path)], capture_output=True, text=True, check=False)
    assert found.stdout == ""


def test_tf_config_decides_who_takes_part(prepared: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under TF_CONFIG the stage starts the chief alone; a worker elsewhere waits for the request and joins in."""
    cluster = {"worker": ["127.0.0.1:31417", "127.0.0.1:31418"]}
    configurations = [json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}}) for index in (0, 1)]
    other = subprocess.Popen(
        [sys.executable, "-m", "components.training.worker", str(tmp_path / "request.json")],
        cwd=ROOT,
        env={**os.environ, "TF_CONFIG": configurations[1]},
    )
    try:
        monkeypatch.setenv("TF_CONFIG", configurations[0])
        request = request_over(prepared, MODEL, epochs=2, native_directory=str(tmp_path / "native"))
        assert needs_own_processes(request)
        result = train_apart(request, tmp_path)
        assert other.wait(60) == 0
    finally:
        other.kill()
    assert len(result.history["loss"]) == 2
