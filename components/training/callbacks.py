"""What watches a training from epoch to epoch, and ends it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from components.errors import TrainingError
from components.training.history import History
from schemas.training import EarlyStopping, Objectives, Training

Figures = dict[str, float]


class Stop(NamedTuple):
    """A reason to end."""

    reason: str
    """`early_stopping`, `accuracy`, `loss` or `minutes`."""
    ends_all: bool
    """Whether the training ends, not its phase alone."""


class Callback:
    """Is told of each phase and each epoch; its state goes into checkpoints."""

    def begin_phase(self) -> None:
        """A phase begins."""

    def end_epoch(self, epoch: int, figures: Figures) -> Stop | None:
        """An epoch, counted from 1 over all phases, ended with these figures."""

    def arrays(self) -> list[np.ndarray]:
        """The part of the state that is arrays."""
        return []

    def state(self) -> dict[str, Any]:
        """The rest of the state, as JSON."""
        return {}

    def restore(self, arrays: Sequence[np.ndarray], state: dict[str, Any]) -> None:
        """Takes the state back."""


class BestWeights(Callback):
    """Keeps the weights of the best epoch; ends a phase that no longer improves."""

    def __init__(self, stopping: EarlyStopping, weights: Callable[[], list[np.ndarray]]) -> None:
        """Knows no epoch yet.

        Args:
          stopping: the experiment's section.
          weights: gives the network's as they are.
        """
        self._stopping = stopping
        self._sign = -1.0 if stopping.monitor.endswith("accuracy") else 1.0
        self._weights = weights
        self._best = math.inf
        self._waited = 0
        self.epoch: int | None = None
        self.weights: list[np.ndarray] = []

    def begin_phase(self) -> None:
        """Grants the patience anew."""
        self._waited = 0

    def end_epoch(self, epoch: int, figures: Figures) -> Stop | None:
        """Compares with the best so far."""
        value = self._sign * figures[self._stopping.monitor]
        if value < self._best - (self._stopping.min_delta if self.epoch is not None else 0.0):
            self._best, self._waited, self.epoch = value, 0, epoch
            self.weights = self._weights()
            return None
        self._waited += 1
        return Stop("early_stopping", ends_all=False) if self._waited >= self._stopping.patience else None

    def arrays(self) -> list[np.ndarray]:
        """The best weights."""
        return self.weights

    def state(self) -> dict[str, Any]:
        """The best figure, its epoch, and the epochs waited since."""
        return {"best": self._best, "waited": self._waited, "epoch": self.epoch}

    def restore(self, arrays: Sequence[np.ndarray], state: dict[str, Any]) -> None:
        """Takes all of it back."""
        self.weights = list(arrays)
        self._best, self._waited, self.epoch = state["best"], state["waited"], state["epoch"]


class Targets(Callback):
    """Ends the training when an objective is met."""

    def __init__(self, objectives: Objectives, seconds: Callable[[], float]) -> None:
        """Reads nothing yet.

        Args:
          objectives: the experiment's section.
          seconds: tells the time spent so far, killed attempts included.
        """
        self._objectives = objectives
        self._seconds = seconds

    def end_epoch(self, epoch: int, figures: Figures) -> Stop | None:
        """Looks at the eval split's figures, then at the clock."""
        goals = self._objectives
        if goals.accuracy is not None and figures["val_accuracy"] >= goals.accuracy:
            return Stop("accuracy", ends_all=True)
        if goals.loss is not None and figures["val_loss"] <= goals.loss:
            return Stop("loss", ends_all=True)
        if goals.minutes is not None and self._seconds() >= 60 * goals.minutes:
            return Stop("minutes", ends_all=True)
        return None


class Divergence(Callback):
    """Refuses a training that goes astray."""

    def __init__(self, training: Training) -> None:
        """Knows no loss yet.

        Args:
          training: the experiment's section.
        """
        self._training = training
        self._first: float | None = None

    def begin_phase(self) -> None:
        """Another phase starts from another loss."""
        self._first = None

    def end_epoch(self, epoch: int, figures: Figures) -> Stop | None:
        """Raises TrainingError where a loss is no finite number, or a multiple of the first one."""
        for name in ("loss", "val_loss"):
            self.refuse_infinite(name, figures[name], epoch)
        loss, limit = figures["loss"], self._training.objectives.divergence
        if self._first is not None and limit is not None and loss > limit * self._first:
            raise TrainingError(
                f"the loss rose from {self._first:.3g} to {loss:.3g} in epoch {epoch}, more than"
                f" {limit:g} times; lower training.learning_rate (now {self._training.rate:g}),"
                " or raise training.objectives.divergence"
            )
        self._first = loss if self._first is None else self._first
        return None

    def refuse_infinite(self, name: str, value: float, epoch: int) -> None:
        """Raises TrainingError where the value is no finite number."""
        if not math.isfinite(value):
            raise TrainingError(
                f"the {name} became {value} in epoch {epoch};"
                f" lower training.learning_rate (now {self._training.rate:g}),"
                " and see that preprocessing.normalization is not 'none'"
            )

    def state(self) -> dict[str, Any]:
        """The first loss of the phase."""
        return {"first": self._first}

    def restore(self, arrays: Sequence[np.ndarray], state: dict[str, Any]) -> None:
        """Takes it back."""
        self._first = state["first"]


class TensorBoard(Callback):
    """Writes the figures of each epoch under the names that Keras gives them."""

    def __init__(self, directory: str, steps_per_epoch: int) -> None:
        """Opens the two writers, `train` and `validation`."""
        self._steps_per_epoch = steps_per_epoch
        self._writers = {part: tf.summary.create_file_writer(f"{directory}/{part}") for part in ("train", "validation")}

    def end_epoch(self, epoch: int, figures: Figures) -> Stop | None:
        """Writes one value of each figure."""
        for name, value in figures.items():
            part = "validation" if name.startswith("val_") else "train"
            short = name.removeprefix("val_")
            with self._writers[part].as_default():
                tf.summary.scalar(f"epoch_{short}", value, step=epoch - 1)
                if part == "validation":
                    tf.summary.scalar(f"evaluation_{short}_vs_iterations", value, step=epoch * self._steps_per_epoch)
        for writer in self._writers.values():
            writer.flush()
        return None


def last_figures(history: History) -> Figures:
    """The figures of the last epoch."""
    return {name: values[-1] for name, values in history.items()}
