from __future__ import annotations

import logging
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from components.errors import TrainingError
from components.tuner.outcome import Outcome
from components.tuner.search import Found, search
from components.tuner.trainings import Trainings
from schemas.tuning import Range, Search
from tests.components.tuner.instant import InstantWorkers, failed, killed, learned
from tests.processes import children_of, is_alive

if TYPE_CHECKING:
    from components.training.request import TrainingRequest
    from components.tuner.workers import Workers

ROOT = Path(__file__).parents[3]
LONGEST_WAIT = 240.0
RATE = "training.learning_rate"

# Searches with two processes, telling of its progress on standard output.
DRIVER = """
import logging, os, sys
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
        search(rules, rules.space, request, Trainings(directory / "trainings", workers), directory)
"""


def searched(rules: Search, short: TrainingRequest, workers: Workers, directory: Path) -> Found:
    return search(rules, rules.space, short, Trainings(directory / "trainings", workers), directory)


def test_the_best_trial_is_found_and_a_failed_one_is_a_row(
    short: TrainingRequest, workers: Workers, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """On real trainings: a rate that learns wins over one that does not, one that diverges ends nothing."""
    rules = Search(method="grid", space={RATE: (1e-6, 0.02, 1e30), "training.batch_size": (16,)}, epochs=2)
    with caplog.at_level(logging.INFO, "darkroom.progress"):
        found = searched(rules, short, workers, tmp_path)
    assert found.values == {RATE: 0.02, "training.batch_size": 16}
    assert found.trial.hyperparameters.values == found.values
    rows = {row[RATE]: row for row in found.rows}
    assert [row["trial_id"] for row in found.rows] == ["00", "01", "02"]
    assert {rate: row["status"] for rate, row in rows.items()} == {1e-6: "completed", 0.02: "completed", 1e30: "failed"}
    assert "lower training.learning_rate (now 1e+30)" in rows[1e30]["reason"]
    assert found.score == rows[0.02]["val_accuracy"] > rows[1e-6]["val_accuracy"]
    assert rows[0.02]["epochs"] == 2
    assert rows[0.02]["loss_change"] < 0
    lines = [entry.getMessage() for entry in caplog.records if entry.name == "darkroom.progress"]
    assert sorted(re.sub(r"[\d.]+ s\)$", "", line) for line in lines if "0.02" in line) == [
        f"trial 2/3: val_accuracy {found.score:.4f} ({RATE} 0.02, training.batch_size 16; "
    ]
    assert any(line.startswith(f"trial 3/3: failed ({RATE} 1e+30") for line in lines)


def test_hyperband_gives_the_better_trials_more_epochs(short: TrainingRequest, tmp_path: Path) -> None:
    """Each trial has the epochs that the oracle asks for; values that come again are trained from the start."""
    rules = Search(method="hyperband", space={RATE: (0.001, 0.003, 0.01, 0.03, 0.1)}, epochs=3, objective="val_loss")
    workers = InstantWorkers(2, learned)
    found = searched(rules, short, workers, tmp_path)
    assert {request.training.epochs for request in workers.requests.values()} == {1, 3}
    assert [row["epochs"] for row in found.rows] == [
        workers.requests[row["trial_id"]].training.epochs if row["trial_id"] in workers.requests else 3
        for row in found.rows
    ]
    assert set(found.values) == {RATE}
    longest = [row for row in found.rows if row["epochs"] == 3]
    assert found.score == min(row["val_loss"] for row in longest)
    assert found.trial.hyperparameters.values["tuner/epochs"] == 3


def test_where_all_trials_fail_the_way_out_is_told(short: TrainingRequest, tmp_path: Path) -> None:
    """With the reasons, once each; and the next attempt is a new search."""
    rules = Search(method="grid", space={RATE: (5.0,), "model.dropout": (0.0, 0.1)})
    with pytest.raises(TrainingError, match=r"all 2 trials .* so: too high: 5\. Change tuning\.search\.space"):
        searched(rules, short, InstantWorkers(2, failed), tmp_path)
    assert not (tmp_path / "oracle.json").exists()


def test_a_grid_that_is_too_large_is_told(
    short: TrainingRequest, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And as many of its trials are done as the experiment lets be."""
    rules = Search(method="grid", space={RATE: (0.1, 0.2), "model.dropout": (0.0, 0.1)}, trials=3)
    with caplog.at_level(logging.INFO, "darkroom.progress"):
        assert len(searched(rules, short, InstantWorkers(1, learned), tmp_path).rows) == 3
    assert "the grid has 4 trials; tuning.search.trials lets 3 of them be" in caplog.messages


def test_a_trial_whose_process_was_killed_stays_failed(short: TrainingRequest, tmp_path: Path) -> None:
    """It costs itself, in the table of a search that was interrupted afterwards, too."""
    rules = Search(method="grid", space={RATE: (0.1, 0.2, 0.3)})
    answers = iter([killed, learned])

    def answer(request: TrainingRequest) -> Outcome:
        chosen = next(answers, None)
        if chosen is None:
            raise KeyboardInterrupt
        return chosen(request)

    with pytest.raises(KeyboardInterrupt):
        searched(rules, short, InstantWorkers(1, answer), tmp_path)
    workers = InstantWorkers(1, learned)
    rows = searched(rules, short, workers, tmp_path).rows
    assert [(row[RATE], row["status"], row["reason"]) for row in rows] == [
        (0.1, "failed", "killed"),
        (0.2, "completed", None),
        (0.3, "completed", None),
    ]
    assert [request.training.learning_rate for request in workers.requests.values()] == [0.3]


@pytest.mark.long
def test_a_killed_search_goes_on_where_it_was(
    short: TrainingRequest, workers: Workers, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """After SIGKILL in the middle no trial that ended is trained again, the others are; no process is left behind."""
    rules = Search(method="random", space={RATE: Range(min=0.001, max=0.05), "model.dropout": (0.0, 0.1)}, trials=4)
    trained = tmp_path / "trainings"
    command = [sys.executable, "-c", DRIVER, short.model_dump_json(), rules.model_dump_json(), str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    deadline = time.monotonic() + LONGEST_WAIT
    while len(list(trained.glob("[!.]*"))) < 1:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    children = children_of(process.pid)
    process.kill()
    told, _ = process.communicate(timeout=LONGEST_WAIT)
    while any(map(is_alive, children)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert len(children) == 2
    done = {file: file.stat().st_mtime_ns for file in trained.glob("[!.]*")}
    assert 1 <= len(done) < 4

    with caplog.at_level(logging.INFO, "darkroom.progress"):
        found = searched(rules, short, workers, tmp_path)
    assert {file: file.stat().st_mtime_ns for file in done} == done
    assert len(list(trained.glob("[!.]*"))) == 4
    texts = (told, "\n".join(caplog.messages))
    numbers = [re.findall(r"^trial (\d)/4: val_accuracy", text, flags=re.MULTILINE) for text in texts]
    assert numbers[1]
    assert not set(numbers[0]) & set(numbers[1])
    assert [row["trial_id"] for row in found.rows] == list("0123")
    assert {row["status"] for row in found.rows} == {"completed"}
    assert found.score == max(row["val_accuracy"] for row in found.rows)
