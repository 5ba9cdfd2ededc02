"""Domain-transfer initialisation: a short, heavily regularised warm-up whose weights start the full training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from components.errors import TrainingError
from components.training.checkpoints import CheckpointStore
from components.training.history import History
from components.training.processes import fit_each
from components.training.request import TrainingRequest
from schemas.training import Checkpoints, Initialization, Schedule


@dataclass(frozen=True)
class WarmUp:
    """What the warm-up has shown."""

    candidates: list[History]
    """Figures of each initialisation; the shorter ones were stopped early."""
    best: int
    """Which of them starts the training, counted from 0."""
    weights: list[np.ndarray]
    """Its weights, as `network.get_weights` lists them."""


def warm_up(request: TrainingRequest, directory: Path) -> WarmUp:
    """Trains several random initialisations, and drops the worse half after each epoch (successive halving).

    Args:
      request: of the full training.
      directory: where the candidates' checkpoints are kept; a killed warm-up goes on from them.

    Raises:
      TrainingError: all candidates diverged.
    """
    rules = request.training.initialization
    assert rules is not None
    histories: list[History] = [{} for _ in range(rules.candidates)]
    alive = list(range(rules.candidates))
    for epochs in range(1, rules.epochs + 1):
        requests = [_candidate(request, rules, number, epochs, directory) for number in alive]
        outcomes = fit_each(requests, rules.parallel)
        ended = dict(zip(alive, outcomes, strict=True))
        histories = [_history(ended.get(number), histories[number]) for number in range(rules.candidates)]
        alive = [number for number in alive if not isinstance(ended[number], TrainingError)]
        if not alive:
            raise TrainingError(f"all {rules.candidates} initialisations diverged, the last one so: {outcomes[-1]}")
        alive.sort(key=lambda number: histories[number]["val_loss"][-1])
        if epochs < rules.epochs:
            alive = alive[: max((len(alive) + 1) // 2, 1)]
    best = alive[0]
    checkpoint = CheckpointStore(_directory(directory, best), 1).newest()
    assert checkpoint is not None
    return WarmUp(histories, best, checkpoint.arrays["weights"])


def _history(outcome: History | TrainingError | None, before: History) -> History:
    return before if outcome is None or isinstance(outcome, TrainingError) else outcome


def _directory(directory: Path, number: int) -> Path:
    return directory / f"candidate-{number}"


def _candidate(
    request: TrainingRequest, rules: Initialization, number: int, epochs: int, directory: Path
) -> TrainingRequest:
    changes = {
        "seed": request.training.seed + number,
        "epochs": epochs,
        "early_stopping": None,
        "initialization": None,
        "schedule": Schedule(),
        "checkpoints": Checkpoints(keep=1),
    }
    return request.model_copy(
        update={
            "training": request.training.model_copy(update=changes),
            "model": request.model.model_copy(update={"dropout": rules.dropout, "l2": rules.l2}),
            "checkpoint_directory": str(_directory(directory, number)),
            "log_directory": None,
            "native_directory": None,
            "label": f"initialisation {number + 1}",
        }
    )
