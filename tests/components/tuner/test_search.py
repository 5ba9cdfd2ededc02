from __future__ import annotations

import json
import logging
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from components.errors import TrainingError
from components.tuner.search import Found, search
from components.tuner.trainings import Trainings
from schemas.tuning import Search
from tests.processes import children_of, is_alive

if TYPE_CHECKING:
    from components.training.request import TrainingRequest
    from components.tuner.workers import Workers

ROOT = Path(__file__).parents[3]
LONGEST_WAIT = 240.0
RATE = "training.learning_rate"

# Searches with two processes, telling of its progress on standard output.
DRIVER = """
import json, logging, os, sys
from pathlib import Path
os.environ.update(TF_USE_LEGACY_KERAS="0", KERAS_BACKEND="tensorflow")
logging.basicConfig(stream=sys.stdout, level=logging.WARNING, format="%(message)s")
logging.getLogger("darkroom.progress").setLevel(logging.INFO)
from components.training.request import TrainingRequest
from components.tuner.search import search
from components.tuner.trainings import Trainings
from components.tuner.workers import Workers
from schemas.tuning import Search
if __name__ == "__main__":
    request, rules, directory = TrainingRequest.model_validate_json(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    rules = Search.model_validate_json(rules)
    with Workers(2) as workers:
        found = search(rules, rules.space, request, Trainings(directory / "trainings", workers), directory)
    (directory / "found.json").write_text(json.dumps([found.values, found.rows]))
"""


def searched(rules: Search, short: TrainingRequest, workers: Workers, directory: Path) -> Found:
    return search(rules, rules.space, short, Trainings(directory / "trainings", workers), directory)


def test_the_best_trial_is_found_and_a_failed_one_is_a_row(
    short: TrainingRequest, workers: Workers, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """On real trainings: a rate that learns wins over one that does not, one that diverges ends nothing."""
    rules = Search(method="grid", space={RATE: (1e-6, 0.02, 1e30), "training.batch_size": (16,)}, epochs=3)
    with caplog.at_level(logging.INFO, "darkroom.progress"):
        found = searched(rules, short, workers, tmp_path)
    assert found.values == {RATE: 0.02, "training.batch_size": 16}
    assert found.trial.hyperparameters.values == found.values
    rows = {row[RATE]: row for row in found.rows}
    assert [row["trial_id"] for row in found.rows] == ["00", "01", "02"]
    assert {rate: row["status"] for rate, row in rows.items()} == {1e-6: "completed", 0.02: "completed", 1e30: "failed"}
    assert "lower training.learning_rate (now 1e+30)" in rows[1e30]["reason"]
    assert found.score == rows[0.02]["val_accuracy"] > rows[1e-6]["val_accuracy"]
    assert rows[0.02]["epochs"] == 3
    assert rows[0.02]["loss_change"] < 0
    lines = [entry.getMessage() for entry in caplog.records if entry.name == "darkroom.progress"]
    assert sorted(re.sub(r"[\d.]+ s\)$", "", line) for line in lines if "0.02" in line) == [
        f"trial 2/3: val_accuracy {found.score:.4f} ({RATE} 0.02, training.batch_size 16; "
    ]
    assert any(line.startswith(f"trial 3/3: failed ({RATE} 1e+30") for line in lines)


def test_hyperband_gives_the_better_trials_more_epochs(
    short: TrainingRequest, workers: Workers, tmp_path: Path
) -> None:
    """Each trial has the epochs that the oracle asks for; values that come again are trained from the start."""
    rules = Search(method="hyperband", space={RATE: (0.001, 0.003, 0.01, 0.03)}, epochs=3, objective="val_loss")
    found = searched(rules, short, workers, tmp_path)
    assert {row["epochs"] for row in found.rows} == {1, 3}
    assert set(found.values) == {RATE}
    assert found.score == min(row["val_loss"] for row in found.rows)
    assert next(row["epochs"] for row in found.rows if row["val_loss"] == found.score) == 3


def test_where_all_trials_fail_the_way_out_is_told(short: TrainingRequest, workers: Workers, tmp_path: Path) -> None:
    """With the reasons, once each; and the next attempt is a new search."""
    rules = Search(method="random", space={RATE: (1e30,)}, trials=2)
    with pytest.raises(
        TrainingError, match=r"all 1 trials .* lower training\.learning_rate .*Change tuning\.search\.space"
    ):
        searched(rules, short, workers, tmp_path)
    assert not (tmp_path / "oracle.json").exists()


def test_a_killed_search_goes_on_where_it_was(short: TrainingRequest, tmp_path: Path) -> None:
    """After SIGKILL in the middle no trial that ended is trained again, the others are; no process is left behind."""
    rules = Search(method="random", space={RATE: {"min": 0.001, "max": 0.05}, "model.dropout": (0.0, 0.1)}, trials=7)
    command = [sys.executable, "-c", DRIVER, short.model_dump_json(), rules.model_dump_json(), str(tmp_path)]
    trained = tmp_path / "trainings"
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    deadline = time.monotonic() + LONGEST_WAIT
    while len(list(trained.glob("[!.]*"))) < 2:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    children = children_of(process.pid)
    process.kill()
    first, _ = process.communicate(timeout=LONGEST_WAIT)
    while any(map(is_alive, children)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert len(children) == 2
    done = {file: file.stat().st_mtime_ns for file in trained.glob("[!.]*")}
    assert 2 <= len(done) < 7

    second = subprocess.run(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        timeout=LONGEST_WAIT,
        check=True,
    ).stdout
    assert {file: file.stat().st_mtime_ns for file in done} == done
    assert len(list(trained.glob("[!.]*"))) == 7
    told = [re.findall(r"^trial (\d)/7: val_accuracy", output, flags=re.MULTILINE) for output in (first, second)]
    assert not set(told[0]) & set(told[1])
    values, rows = json.loads((tmp_path / "found.json").read_text())
    assert [row["trial_id"] for row in rows] == list("0123456")
    assert {row["status"] for row in rows} == {"completed"}
    best = max(rows, key=lambda row: row["val_accuracy"])
    assert best["val_accuracy"] == max(row["val_accuracy"] for row in rows if row[RATE] == values[RATE])
    assert process.returncode == -signal.SIGKILL
