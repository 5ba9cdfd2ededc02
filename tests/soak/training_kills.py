"""Kills one training again and again, and compares what comes of it with the same training left in peace.

python -m tests.soak.training_kills [--kills 20] [--epochs 80] [--seed 0]

Whole processes of `local_runner.py run digits` with one thread get SIGKILL at random moments while the Trainer works,
workers included, until the training has ended; weights and history must be those of the undisturbed one, bit by bit.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

ROOT = Path(__file__).parents[2]
_LONGEST_RUN = 900.0
_MOST_EPOCHS = 3
_LONGEST_DELAY = 2.0
_PAUSE = 0.05
_EXPERIMENT = "digits"


class Trained(NamedTuple):
    """What a training left behind."""

    weights: list[np.ndarray]
    history: dict[str, list[float]]
    summary: dict[str, object]


def command(workspace: Path, epochs: int) -> list[str]:
    """The command line of one run."""
    settings = [f"training.epochs={epochs}", "training.early_stopping=null", "training.deterministic=true"]
    overrides = [part for setting in settings for part in ("--set", setting)]
    return [sys.executable, "local_runner.py", "run", _EXPERIMENT, "--workspace", str(workspace), *overrides]


def start(workspace: Path, epochs: int, log: Path) -> subprocess.Popen[bytes]:
    """Starts a run in a process group of its own."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command(workspace, epochs), cwd=ROOT, stdout=output, stderr=output, start_new_session=True
        )


def is_training(workspace: Path) -> bool:
    """Whether the Trainer has written its request and not yet ended."""
    return any((workspace / _EXPERIMENT / "checkpoints").glob("*/request.json"))


def newest_epoch(workspace: Path) -> int:
    """Number of the epoch that the newest checkpoint is of; 0 where there is none."""
    found = (workspace / _EXPERIMENT / "checkpoints").glob("*/epoch-*")
    return max((int(path.name.removeprefix("epoch-")) for path in found), default=0)


def kill_while_training(workspace: Path, epochs: int, log: Path, num_epochs: int, delay: float) -> bool:
    """Kills a run some epochs and seconds after its training began; says whether it was still at it."""
    for request in (workspace / _EXPERIMENT / "checkpoints").glob("*/request.json"):
        request.unlink()
    reached = newest_epoch(workspace) + num_epochs
    process = start(workspace, epochs, log)
    deadline = time.monotonic() + _LONGEST_RUN
    began = None
    while process.poll() is None and time.monotonic() < deadline:
        if began is None and is_training(workspace) and newest_epoch(workspace) >= reached:
            began = time.monotonic()
        if began is not None and time.monotonic() - began > delay:
            break
        time.sleep(_PAUSE)
    was_training = process.poll() is None and is_training(workspace)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return was_training


def finish(workspace: Path, epochs: int, log: Path) -> Trained:
    """Runs to the end, and reads what the Trainer left."""
    process = start(workspace, epochs, log)
    if process.wait(_LONGEST_RUN) != 0:
        sys.exit(f"the run ended with status {process.returncode}:\n{log.read_text()[-3000:]}")
    artifacts = workspace / _EXPERIMENT / "artifacts" / "Trainer"
    # The newest of each: executions are numbered.
    native = max((artifacts / "model").iterdir(), key=lambda path: int(path.name)) / "native"
    run = max((artifacts / "model_run").iterdir(), key=lambda path: int(path.name))
    history = json.loads((run / "history.json").read_text())
    del history["seconds"]
    return Trained(_weights(native / "base.weights.h5"), history, json.loads((run / "training.json").read_text()))


def _weights(file: Path) -> list[np.ndarray]:
    arrays: list[np.ndarray] = []
    with h5py.File(file) as content:
        content.visititems(lambda _, item: arrays.append(item[()]) if isinstance(item, h5py.Dataset) else None)
    return arrays


def main() -> None:
    """Prints a line for each kill, and a verdict; exits with 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=80)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    moments = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as scratch:
        peaceful, disturbed = Path(scratch, "peaceful"), Path(scratch, "disturbed")
        log = Path(scratch, "log")
        expected = finish(peaceful, options.epochs, log)
        print(f"undisturbed: {len(expected.history['loss'])} epochs", flush=True)
        kills = 0
        for attempt in range(4 * options.kills):
            if kills == options.kills:
                break
            num_epochs, delay = moments.randint(0, _MOST_EPOCHS), moments.uniform(0.0, _LONGEST_DELAY)
            if kill_while_training(disturbed, options.epochs, log, num_epochs, delay):
                kills += 1
                epoch = newest_epoch(disturbed)
                print(f"attempt {attempt + 1}: killed after epoch {epoch}, {delay:.1f} s later or more", flush=True)
        found = finish(disturbed, options.epochs, log)
    resumed_from = found.summary["resumed_from_epoch"]
    print(f"{kills} kills; the last attempt went on from epoch {resumed_from}")
    largest = max(float(np.max(np.abs(a - b))) for a, b in zip(found.weights, expected.weights, strict=True))
    same = largest == 0.0 and found.history == expected.history
    print(f"largest difference of a weight: {largest:g}; histories {'equal' if same else 'differ'}")
    sys.exit(0 if same and resumed_from and kills == options.kills else 1)


if __name__ == "__main__":
    main()
