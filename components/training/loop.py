"""The training loop: the same for one device, for several, and for several machines.

Keras's own `fit` fails under MultiWorkerMirroredStrategy (keras-team/keras, issue 20585).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from components.feeding.augmentation import Augmenter
from components.feeding.feed import Feed
from components.training.callbacks import Callback, Divergence
from components.training.checkpoints import Checkpoint, CheckpointStore, assign, values_of
from components.training.history import History, class_figures
from components.training.optimizers import make_optimizer
from components.training.phases import Phase, set_trainable
from components.training.schedules import rate_of_steps
from components.training.steps import Steps, augmented, make_evaluation_step, make_training_steps
from components.training.strategy import position
from components.transform.normalization import Normalization
from schemas.training import Training

PROGRESS = logging.getLogger("darkroom.progress")
_EXECUTIONS_BETWEEN_LOOKS = 50


@dataclass
class LoopState:
    """How far a training has come."""

    phase: int = 0
    """Number of the phase that the last epoch belongs to."""
    epoch_of_phase: int = 0
    """Epochs of that phase so far."""
    phase_stopped: bool = False
    """Whether the phase ended before its epochs did."""
    stopped_by: str | None = None
    """Why the whole training ended before its epochs did."""
    epoch: int = 0
    """Epochs of all phases so far."""
    seconds: float = 0.0
    """Spent on them, killed attempts included."""
    history: History = field(default_factory=dict)


@dataclass
class Parts:
    """What a loop works with."""

    strategy: tf.distribute.Strategy
    network: keras.Model
    groups: Sequence[Sequence[keras.layers.Layer]]
    feed: Feed
    evaluation: Callable[[], tf.data.Dataset]
    augmenter: Augmenter
    normalization: Normalization
    class_weights: np.ndarray | None
    num_classes: int


class Loop:
    """Trains a network through its phases, from a checkpoint where there is one."""

    def __init__(
        self, parts: Parts, training: Training, phases: Sequence[Phase], store: CheckpointStore | None
    ) -> None:
        """Trains nothing yet.

        Args:
          parts: what to work with.
          training: the experiment's section.
          phases: in order.
          store: where checkpoints are kept; None keeps none.
        """
        self._parts = parts
        self._training = training
        self._phases = phases
        self._store = store
        self._callbacks: list[Callback] = []
        self._evaluate = make_evaluation_step(parts.strategy, parts.network, parts.normalization, parts.num_classes)
        self._divergence = Divergence(training)
        self.state = LoopState()
        self.optimizer = make_optimizer(training, training.rate)
        """Of the last phase."""
        self.resumed_from: int | None = None

    def run(self, callbacks: Sequence[Callback], label: str = "") -> None:
        """Trains to the end. The network then has the last epoch's weights, `state` the figures.

        Args:
          callbacks: watch the training, in this order.
          label: goes before each line of progress.

        Raises:
          TrainingError: the loss is no finite number, or the training diverges.
        """
        self._callbacks = [self._divergence, *callbacks]
        checkpoint = self._store.newest() if self._store else None
        if checkpoint is not None:
            self.state = LoopState(**checkpoint.state["loop"])
            self.resumed_from = self.state.epoch
        if self._is_over(self.state.phase) and self.state.phase + 1 < len(self._phases) and not self.state.stopped_by:
            self._next_phase()
        for index in range(self.state.phase, len(self._phases)):
            if index > self.state.phase:
                self._next_phase()
            self._run_phase(self._phases[index], checkpoint, label)
            checkpoint = None
            if self.state.stopped_by:
                return

    def seconds(self) -> float:
        """Time spent on all epochs so far."""
        return self.state.seconds

    def _next_phase(self) -> None:
        self.state.phase += 1
        self.state.epoch_of_phase, self.state.phase_stopped = 0, False

    def _is_over(self, phase: int) -> bool:
        state = self.state
        return bool(state.stopped_by) or state.phase_stopped or state.epoch_of_phase >= self._phases[phase].num_epochs

    def _run_phase(self, phase: Phase, checkpoint: Checkpoint | None, label: str) -> None:
        parts, state = self._parts, self.state
        with parts.strategy.scope():
            set_trainable(parts.groups, phase)
            self.optimizer = make_optimizer(self._training, phase.rate)
            steps = self._make_steps(phase)
            if checkpoint is not None:
                self._restore(checkpoint)
            if state.epoch_of_phase == 0:
                for callback in self._callbacks:
                    callback.begin_phase()
            while not self._is_over(state.phase):
                began = time.monotonic()
                self._learn(steps)
                state.epoch += 1
                state.epoch_of_phase += 1
                state.seconds += self._agreed(time.monotonic() - began)
                self._end_epoch(phase, label)

    def _make_steps(self, phase: Phase) -> Steps:
        parts = self._parts
        per_replica = augmented(parts.augmenter, parts.normalization)
        feed = parts.feed
        rate = rate_of_steps(self._training.schedule, phase.rate, feed.steps_per_epoch, phase.num_epochs)
        return make_training_steps(
            parts.strategy,
            parts.network,
            self.optimizer,
            rate,
            self._training,
            per_replica,
            parts.class_weights,
            feed.batch_size,
        )

    def _learn(self, steps: Steps) -> None:
        """One epoch, then an evaluation; their figures go to the history."""
        feed, state = self._parts.feed, self.state
        began = time.monotonic()
        batches = self._distributed(feed.epoch(state.epoch))
        first = state.epoch_of_phase * feed.steps_per_epoch
        at_once = self._training.steps_per_execution
        sums: Any = 0.0
        for number, done in enumerate(range(0, feed.steps_per_epoch, at_once), start=1):
            count = min(at_once, feed.steps_per_epoch - done)
            sums += steps(batches, tf.constant(first + done, tf.int64), tf.constant(count, tf.int64))
            if number % _EXECUTIONS_BETWEEN_LOOKS == 0:
                self._divergence.refuse_infinite("loss", float(sums[0]), state.epoch + 1)
        loss, right, seen = (float(value) for value in sums)
        figures = {"loss": loss / seen, "accuracy": right / seen, **self._evaluated()}
        figures["learning_rate"] = float(self.optimizer.learning_rate.numpy())
        figures["seconds"] = time.monotonic() - began
        for name, value in figures.items():
            state.history.setdefault(name, []).append(value)

    def _evaluated(self) -> dict[str, float]:
        total, confusion = 0.0, np.zeros((self._parts.num_classes,) * 2)
        batches = self._distributed(self._parts.evaluation())
        while True:
            try:
                losses, counts = self._evaluate(batches)
            except (StopIteration, tf.errors.OutOfRangeError):
                break
            total += float(losses)
            confusion += counts.numpy()
        return {
            "val_loss": total / max(float(confusion.sum()), 1.0),
            **{f"val_{name}": value for name, value in class_figures(confusion).items()},
        }

    def _end_epoch(self, phase: Phase, label: str) -> None:
        state = self.state
        figures = {name: values[-1] for name, values in state.history.items()}
        stops = [stop for callback in self._callbacks if (stop := callback.end_epoch(state.epoch, figures))]
        state.phase_stopped = bool(stops)
        is_last = state.phase == len(self._phases) - 1
        state.stopped_by = next((stop.reason for stop in stops if stop.ends_all or is_last), None)
        total = state.epoch - state.epoch_of_phase + sum(each.num_epochs for each in self._phases[state.phase :])
        PROGRESS.info(
            f"{label}epoch {state.epoch}/{total}{f' ({phase.name})' if len(self._phases) > 1 else ''},"
            f" loss {figures['loss']:.4f}, val_loss {figures['val_loss']:.4f},"
            f" val_accuracy {figures['val_accuracy']:.4f}"
        )
        self._save()

    def _save(self) -> None:
        rules, state = self._training.checkpoints, self.state
        if self._store is None or position(self._parts.strategy)[0] != 0:
            return
        is_over = self._is_over(state.phase)
        monitored = self._training.early_stopping.monitor if self._training.early_stopping else "val_loss"
        values = [-value if monitored.endswith("accuracy") else value for value in state.history[monitored]]
        is_due = min(values) == values[-1] if rules.best_only else state.epoch % rules.every == 0
        if not (is_due or is_over):
            return
        arrays = {f"callback-{number}": each.arrays() for number, each in enumerate(self._callbacks)}
        arrays |= {name: values_of(variables) for name, variables in self._variables().items()}
        states = [each.state() for each in self._callbacks]
        self._store.write(state.epoch, Checkpoint(arrays, {"loop": asdict(state), "callbacks": states}))

    def _restore(self, checkpoint: Checkpoint) -> None:
        for name, variables in self._variables().items():
            # Another phase's optimiser is of other variables.
            if name != "optimizer" or self.state.epoch_of_phase > 0:
                assign(variables, checkpoint.arrays[name])
        for number, (callback, state) in enumerate(zip(self._callbacks, checkpoint.state["callbacks"], strict=True)):
            callback.restore(checkpoint.arrays[f"callback-{number}"], state)

    def _variables(self) -> dict[str, Sequence[Any]]:
        network = self._parts.network
        weights = {id(variable) for variable in network.weights}
        return {
            "weights": network.weights,
            # The state of its random layers, which are not the same where the dropout is not.
            "random": [variable for variable in network.variables if id(variable) not in weights],
            "optimizer": self.optimizer.variables,
            "augmenter": self._parts.augmenter.variables,
        }

    def _distributed(self, dataset: tf.data.Dataset) -> Iterator[Any]:
        batches: Iterator[Any] = iter(self._parts.strategy.distribute_datasets_from_function(lambda _: dataset))
        return batches

    def _agreed(self, seconds: float) -> float:
        """The mean over all workers, who must come to the same decisions."""
        strategy = self._parts.strategy
        if position(strategy)[1] == 1:
            return seconds

        @tf.function
        def mean(own: tf.Tensor) -> tf.Tensor:
            return strategy.reduce(tf.distribute.ReduceOp.MEAN, strategy.run(lambda: own), axis=None)

        return float(mean(tf.constant(seconds)))
